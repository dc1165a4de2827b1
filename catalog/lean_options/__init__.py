"""QuantConnect Lean's option, index option and index files."""
