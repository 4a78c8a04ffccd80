"""Applies update masks (AIP-134) that validation has already held to the contract."""

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from server.shape import M

__all__ = ["apply"]


def apply(mask: FieldMask, source: M, target: M) -> None:
    """Give `target` the fields of `source` that the mask names; those unset there are cleared."""
    for path in mask.paths:
        owner: Any = source
        for step in path.split(".")[:-1]:  # MergeMessage skips what is below an absent message
            owner = getattr(owner, step)
            owner.SetInParent()
    mask.MergeMessage(source, target, replace_message_field=True, replace_repeated_field=True)
