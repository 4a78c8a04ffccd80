"""Pure cryptography of OpenCIF: record ids, FF1 tokens, seals and the keys behind them.

Nothing here does I/O, except the key providers of `kek`, which read one secret.
"""
