"""A test case of unittest, whose set-up calls."""

import unittest

import app
import pytest


@pytest.mark.integration
class TestAnswers(unittest.TestCase):
    def setUp(self) -> None:
        self.answer = app.ask()

    def test_it_answers(self) -> None:
        assert self.answer == "yes"
