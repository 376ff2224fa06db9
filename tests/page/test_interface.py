"""The words of every command and the endpoints of the page are as they were promised."""

import pytest

from tests.interface import PROGRAMS, broken, endpoints_of, promised, words_of


@pytest.fixture(scope="module")
def interface(served_page):
    """The interface as it is."""
    words = {word: facts for program in PROGRAMS for word, facts in words_of(program).items()}
    return words | endpoints_of(served_page.demo.get_api_info())


@pytest.mark.parametrize("word", promised())
def test_a_promised_word_means_what_it_meant(interface, word):
    assert word in interface
    assert not broken(promised()[word], interface[word]), interface[word]


def test_a_breach_is_seen(interface):
    facts = interface["difficmh decode --sampler"]
    assert not broken(facts, facts | {"another": "another"})
    assert broken(facts, {sampler: facts[sampler] for sampler in facts if sampler != "ddim"})
    assert broken(facts, facts | {"default": "ddim"})
