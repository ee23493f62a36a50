"""What a sensitivity analysis has shown, in sentences with figures."""

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.measured_interaction import Interaction
from mnist_seq.report.analysis.sensitivity import CONFIDENCE, Measurements, ResponseCurve


def curve_finding(measured: Measurements, curve: ResponseCurve) -> str:
    """What a hyperparameter does, as a sentence with figures."""
    chosen, others = curve.chosen, range(len(curve.values))
    name = [wording.setting(value) for value in curve.values]
    worse = [k for k in others if curve.differ(k, chosen) and curve.log_V[k] > curve.log_V[chosen]]
    better = [k for k in others if curve.differ(k, chosen) and curve.log_V[k] < curve.log_V[chosen]]
    alike = [k for k in others if k not in (*worse, *better, chosen)]
    parts = []
    if worse:
        worst = max(worse, key=lambda k: curve.log_V[k])
        parts.append(
            f"{name[worst]} instead of {name[chosen]} costs {_apart(measured, curve, worst)}"
        )
    if better:
        best = min(better, key=lambda k: curve.log_V[k])
        parts.append(
            f"{name[best]} instead of {name[chosen]} gains {_apart(measured, curve, best)}"
        )
    if not parts and curve.is_significant:
        ends = name[curve.best], name[curve.worst]
        apart = _with_error(measured, *curve.effect)
        parts.append(f"{ends[1]} instead of {ends[0]} costs {apart}; {name[chosen]} lies between")
    if not parts:
        seen = _amount(measured, curve.effect[0])
        parts.append(f"no difference between {wording.listing(name)} beyond luck ({seen} seen)")
    elif alike and (worse or better):
        does = "does" if len(alike) == 1 else "do"
        listed = wording.listing([name[k] for k in alike])
        parts.append(f"{listed} {does} as well as {name[chosen]}, as far as these seeds tell")
    if curve.failed:
        failed = wording.listing([wording.setting(value) for value in curve.failed])
        parts.append(f"every training with {failed} failed")
    return f"{curve.path}: {'; '.join(parts)}."


def _apart(measured: Measurements, curve: ResponseCurve, place: int) -> str:
    return _with_error(measured, *curve.difference(place, curve.chosen))


def _with_error(measured: Measurements, difference: float, error: float) -> str:
    scale, digits = (100, 2) if measured.maximised else (1, 4)
    return f"{_amount(measured, difference)} (± {scale * error:.{digits}f})"


def _amount(measured: Measurements, difference: float) -> str:
    if measured.maximised:
        return wording.points(difference)
    return f"{difference:.4f} of loss"


def interaction_finding(found: Interaction) -> str:
    """Whether two hyperparameters act together, as a sentence."""
    first, second = found.paths
    if found.p_value is None:
        return f"{first} and {second}: not every pair of values is possible, or was trained."
    chance = "p < 0.001" if found.p_value < 0.001 else f"p = {found.p_value:.2g}"
    if found.p_value > 1 - CONFIDENCE:
        return (
            f"{first} and {second} do not act together, as far as these seeds tell ({chance}): "
            "what each does to the error is the same whatever the other is."
        )
    best = [wording.setting(found.first[k]) for k in found.log_LC.argmin(axis=1)]
    lines = [wording.setting(value) for value in found.second]
    if len(set(best)) == 1:
        text = f"the best {first} is {best[0]} always, by how much depends on {second}"
    else:
        listed = [f"{b} with {line}" for b, line in zip(best, lines, strict=True)]
        text = f"by {second}, the best {first} is {wording.listing(listed)}"
    return f"{first} and {second} act together ({chance}): {text}."
