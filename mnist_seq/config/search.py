"""Pydantic models of a search: its space, limits, sampler, pruner and end."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias, cast, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from mnist_seq.addresses.servers import database_address
from mnist_seq.config.settings import Cost, Name, Objective, Scalar, Settings, flatten


class Range(Settings):
    """Search dimension: numbers from `low` to `high`, both included."""

    low: int | float
    high: int | float
    step: int | float | None = Field(default=None, gt=0)
    log: bool = False
    when: dict[str, Scalar] = Field(default={})

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low must not be above high (got {self.low} and {self.high})")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs low above 0 (got {self.low})")
        if self.log and self.step is not None:
            raise ValueError(
                "log and step exclude each other: add log=false where the default has log=true"
            )
        return self

    def spread(self, count: int = 4, *, whole: bool) -> list[int | float]:
        """At most `count` evenly spread values from `low` to `high`; the inner ones are round.

        Only whole numbers where `whole`, as for a setting that takes no others.
        """
        # Four by default, as analyses compare them: enough to see a bend.
        shares = [n / (count - 1) for n in range(1, count - 1)]
        if self.log:
            between = [self.low * (self.high / self.low) ** share for share in shares]
        else:
            between = [self.low + share * (self.high - self.low) for share in shares]
        high: int | float = self.high
        if self.step is not None:
            step, steps = self.step, int((self.high - self.low) / self.step + 1e-9)
            between = [
                self.low + min(round((value - self.low) / step), steps) * step for value in between
            ]
            high = self.low + steps * step
        elif whole:
            between = [round(value) for value in between]
        else:
            between = [self._rounded(value) for value in between]
        return list(dict.fromkeys([self.low, *between, high]))

    def _rounded(self, value: float) -> float:
        """Round a value to the fewest digits, at least two, that keep it inside the range."""
        rounded = (float(f"{value:.{digits}g}") for digits in range(2, 18))
        return next((number for number in rounded if self.low < number < self.high), value)


class Choices(Settings):
    """Search dimension: one value out of a list."""

    choices: list[Scalar] = Field(min_length=1)
    when: dict[str, Scalar] = Field(default={})


def _kind(dimension: Any) -> str:
    named = (
        "choices" in dimension if isinstance(dimension, Mapping) else hasattr(dimension, "choices")
    )
    return "choices" if named else "range"


Dimension: TypeAlias = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choices, Tag("choices")], Discriminator(_kind)
]


class Limits(Settings):
    """What a trial must keep to; one that does not is infeasible, and never the best."""

    parameters: int | None = Field(
        default=None,
        ge=1,
        description="trained parameters of a network; a larger one is not trained; null: any",
    )
    seconds_per_epoch: float | None = Field(
        default=None,
        gt=0,
        description="of the first epoch, without compiling; a slower trial ends there; null: any",
    )


def _typed(value: Any) -> str:
    """Format a text, or a list of texts, as it is typed on a command line."""
    return str(value).replace("'", "")


class SearchConfig(Settings):
    """What is searched, how, and for how long."""

    space: Annotated[
        dict[str, Dimension],
        BeforeValidator(
            lambda value: (
                flatten(value, {"low", "high", "choices"}) if isinstance(value, Mapping) else value
            )
        ),
    ] = Field(min_length=1, description="config paths and their ranges")
    baselines: list[dict[str, Scalar]] = Field(
        description="tried first; the first is the yardstick"
    )
    trials: int | None = Field(
        ge=1,
        le=1_000_000,
        description="how many the study shall have; auto: until more promise less than the noise",
    )
    most_trials: int = Field(
        default=100, ge=1, le=1_000_000, description="with trials=auto: how many at most"
    )
    timeout: float | None = Field(gt=0, description="seconds after which no trial is started")
    objective: Objective | list[Objective | Cost] = Field(
        description="validation_accuracy is maximised, loss minimised; in a list with parameters, "
        "seconds (of the first epoch) or both, which are minimised: the Pareto front is searched"
    )
    sampler: Literal["gp", "tpe", "random", "qmc", "grid"] = Field(
        description="who suggests the next trial; gp: a Gaussian process, TPE after 100 trials"
    )
    pruner: Literal["hyperband", "successive_halving", "median", "none"] = Field(
        description="who gives up trials that fall behind"
    )
    seed: int = Field(ge=0, le=2**32 - 1, description="the sampler's")
    retries: int = Field(ge=0, le=100, description="how many deaths of its worker a trial outlives")
    max_failures: int = Field(
        ge=1, description="the search stops if so many trials fail alike before any succeeds"
    )
    limits: Limits = Limits()
    start_from: Name | None = Field(
        default=None,
        description="an earlier study: its best three trials are tried first, after the baselines",
    )
    storage: Annotated[str, AfterValidator(database_address)] | None = Field(
        default=None,
        description="postgresql+psycopg://user@host/database, where the study is kept; the "
        "password from PGPASSWORD or PGPASSFILE; null: a file in tracking.folder",
    )

    @field_validator("objective", mode="before")
    @classmethod
    def _aims_are_a_metric_and_costs(cls, value: Any) -> Any:
        metric, *costs = value if isinstance(value, list) and len(value) > 1 else [value]
        allowed = get_args(Cost)
        if metric not in get_args(Objective) or any(
            cost not in allowed or costs.count(cost) > 1 for cost in costs
        ):
            raise ValueError(
                "must be validation_accuracy or validation_loss, or a list of one of them and then "
                "parameters, seconds or both, as in [validation_accuracy,parameters] "
                f"(got {_typed(value)})"
            )
        return value

    @field_validator("trials", mode="before")
    @classmethod
    def _auto_is_none(cls, value: Any) -> Any:
        if isinstance(value, str) and value != "auto":
            raise ValueError(f"must be auto or a whole number (got {value!r})")
        return None if value == "auto" else value

    @model_validator(mode="after")
    def _auto_needs_a_model(self) -> Self:
        if self.trials is None and self.sampler not in ("gp", "tpe"):
            raise ValueError(
                "search.trials=auto needs search.sampler=gp or tpe, which aim at a gain "
                f"(got {self.sampler})"
            )
        if self.trials is None and self.objective != "validation_accuracy":
            raise ValueError(
                "search.trials=auto needs search.objective=validation_accuracy, whose noise is "
                f"known (got {_typed(self.objective)})"
            )
        return self

    @property
    def metric(self) -> Objective:
        """The first aim: what the best trial is best in."""
        first = self.objective[0] if isinstance(self.objective, list) else self.objective
        return cast("Objective", first)

    @property
    def costs(self) -> tuple[Cost, ...]:
        """The other aims, which are minimised; empty for a search with one aim."""
        others = self.objective[1:] if isinstance(self.objective, list) else ()
        return cast("tuple[Cost, ...]", tuple(others))

    @property
    def is_auto(self) -> bool:
        """Whether the search ends by itself."""
        return self.trials is None

    @property
    def target(self) -> int:
        """How many trials the study shall have; at most, where the search ends by itself."""
        return self.most_trials if self.trials is None else self.trials
