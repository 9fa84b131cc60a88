"""Runs user code of Python workflows: compiles workflow files and runs single tasks."""
