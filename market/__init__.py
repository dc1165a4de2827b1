"""Market facts as pure values and functions: no framework, no broker, no clock, no I/O."""
