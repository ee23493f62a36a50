import io
import sys

import pytest

from mnist_seq.terminal.encoding import write_what_can_be_written


@pytest.mark.parametrize(
    ("encoding", "text", "written"),
    [
        ("ascii", "98.9 ± 0.1 %…", b"98.9 +/- 0.1 %..."),
        ("ascii", "caf\N{LATIN SMALL LETTER E WITH ACUTE}", b"caf\\xe9"),
        ("latin-1", "± é …", b"\xb1 \xe9 ..."),
        ("cp437", "± 日", b"\xf1 \\u65e5"),
        ("utf-8", "± … 日", "± … 日".encode()),
        ("utf-8", "x\udce9", b"x\\udce9"),
    ],
)
def test_what_an_encoding_lacks_is_spelled(
    encoding: str, text: str, written: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stdout", "stderr"):
        output = io.BytesIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, name, io.TextIOWrapper(output, encoding))
            write_what_can_be_written()
            print(text, file=getattr(sys, name), end="", flush=True)
            assert output.getvalue() == written
