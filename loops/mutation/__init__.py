"""The mutation loop: what the tests do not notice, read from the results of cargo-mutants, mutmut, Stryker and PIT."""
