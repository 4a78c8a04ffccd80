"""Rows in, rows out: PostgreSQL and the cache hold sealed bytes, tokens and keyed ids only.

This package must not import grpc, opencif, tokenizer or cryptography; what it needs of them
(message authentication) is handed in as callables.
"""
