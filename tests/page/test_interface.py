"""The words of every command and the endpoints of the page are as they were promised."""

import pytest

from tests.interface import broken, interface, promised


@pytest.fixture(scope="module")
def actual():
    """The interface as it is."""
    return interface()


@pytest.mark.parametrize("word", promised())
def test_a_promised_word_means_what_it_meant(actual, word):
    assert word in actual
    assert not broken(promised()[word], actual[word]), actual[word]


def test_a_breach_is_seen(actual):
    facts = actual["difficmh decode --sampler"]
    assert not broken(facts, facts | {"another": "another"})
    assert broken(facts, {sampler: facts[sampler] for sampler in facts if sampler != "ddim"})
    assert broken(facts, facts | {"default": "ddim"})
