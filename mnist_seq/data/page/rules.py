"""Ruled lines taken off a level page, and not the strokes that stand on them or cross them.

Shapes: H rows and W columns.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnist_seq.data.page.marks import INK

PALEST = 40  # of 255, contrast of a rule
SPAN = 0.25  # of the page's side: how long a rule is at the least
FILLED = 0.75  # of a rule, that is there
SOFT = 1  # pixels above and below, that are its edge


def without_rules(ink_HW: NDArray[np.uint8], contrast_HW: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Remove horizontal and vertical ruled lines from a page's ink.

    Parameters
    ----------
    ink_HW : uint8, shape (H, W)
        255 for full ink, 0 for paper.
    contrast_HW : uint8, shape (H, W)
        The same before ink was told from paper: it has all of a pale rule.
    """
    level_HW = _without_level(ink_HW, contrast_HW)
    return _without_level(level_HW.T, contrast_HW.T).T


def _without_level(ink_HW: NDArray[np.uint8], contrast_HW: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # A rule that is not quite level leaves one row for the next.
    is_near_HW = ndimage.maximum_filter1d(contrast_HW > PALEST, 2 * SOFT + 1, axis=0)
    length = max(int(SPAN * ink_HW.shape[1]), 1)
    share_HW = ndimage.uniform_filter1d(is_near_HW, length, 1, np.float32, mode="constant")
    is_rule_HW = ndimage.maximum_filter1d(share_HW > FILLED, length, axis=1) & is_near_HW
    if not is_rule_HW.any():
        return ink_HW
    is_stroke_HW = (ink_HW > INK) & ~is_rule_HW
    begins = 1 + int((is_rule_HW[1:] & ~is_rule_HW[:-1]).sum())
    thickness = round(int(is_rule_HW.sum()) / begins)
    reached_HW = ndimage.maximum_filter1d(is_stroke_HW, 2 * thickness + 1, axis=0)
    return np.where(is_rule_HW & ~reached_HW, np.uint8(0), ink_HW)
