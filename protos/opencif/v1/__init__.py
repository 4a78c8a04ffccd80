"""Generated code of the proto package opencif.v1, beside the proto files it is made from."""
