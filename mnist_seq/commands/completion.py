"""A script that completes the words of ``mnist-seq`` in bash and zsh."""

from collections.abc import Iterator, Mapping
from typing import get_args

from mnist_seq.composition.compose import config_groups
from mnist_seq.config.settings import Settings
from mnist_seq.config.validation import settings
from mnist_seq.invocation import PROGRAM

OPTIONS = ("--help", "--json", "--cfg")
_SCRIPT = """\
# zsh has bash's way of completing as well.
[ -n "$ZSH_VERSION" ] && autoload -U +X bashcompinit && bashcompinit
_mnist_seq() {{
    local typed=${{COMP_LINE:0:$COMP_POINT}} words
    typed=${{typed##* }}
    case $COMP_CWORD:${{COMP_WORDS[1]}} in
        1:*) words="{commands}" ;;
{cases}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$typed"))
    # bash takes = for the end of a word: what stands before it is there already.
    case $typed in *=*) COMPREPLY=("${{COMPREPLY[@]#"${{typed%%=*}}="}}") ;; esac
    case ${{COMPREPLY[0]}} in *=) compopt -o nospace ;; esac
}}
complete -F _mnist_seq {program}
"""


def completion_script(commands: Mapping[str, type[Settings]]) -> str:
    """Return the script: all commands, their sets of settings and their settings.

    Parameters
    ----------
    commands : mapping
        What each command takes, by its name.
    """
    cases = [
        f'        *:{name}) words="{" ".join([*_words(name, kind), *OPTIONS])}" ;;'
        for name, kind in commands.items()
    ]
    return _SCRIPT.format(commands=" ".join(commands), cases="\n".join(cases), program=PROGRAM)


def _words(name: str, kind: type[Settings]) -> Iterator[str]:
    for group, options in config_groups(name).items():
        yield from (f"{group}={option}" for option in options)
    for path, field in settings(kind).items():
        choices = get_args(field.annotation)
        if field.annotation is bool:
            choices = ("true", "false")
        if choices and all(isinstance(choice, str) for choice in choices):
            yield from (f"{path}={choice}" for choice in choices)
        else:
            yield f"{path}="
