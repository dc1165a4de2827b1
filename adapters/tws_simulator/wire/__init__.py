"""The wire: handshake, frames, and the protobuf and text protocols as translations of the same messages."""
