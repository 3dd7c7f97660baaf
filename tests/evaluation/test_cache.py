import pytest

from isekai_gen.errors import ChecksumError, ModelError, StorageError
from isekai_gen.evaluation import run
from isekai_gen.evaluation.cache import AnswerCache
from isekai_gen.evaluation.protocols import Answer, Question
from isekai_gen.evaluation.run import ask
from isekai_gen.records import Conversation, Episode, NamedImage, TextPart, Turn
from tests.evaluation.small_sets import RuleAnswerer


def question(key):
    episode = Episode(key, (), NamedImage("a.png", "", "a"), ("a", "b"))
    conversation = Conversation(key, (Turn("user", (TextPart("?"),)),))
    return Question(key, episode, conversation, {})


def cache_of(folder, model="m"):
    return AnswerCache(folder, "rule:test", model)


def ask_all(folder, answerer, *keys):
    steps = []
    replies = ask(
        answerer,
        [question(key) for key in keys],
        cache_of(folder, answerer.identity),
        lambda done, failed: steps.append((done, failed)),
    )
    return replies, steps


def test_what_was_answered_is_not_asked_again(tmp_path):
    answerer = RuleAnswerer(lambda each: f"about {each.key}")
    first, _ = ask_all(tmp_path, answerer, "a", "b")
    again, steps = ask_all(tmp_path, answerer, "a", "b", "c")
    assert sorted(answerer.asked) == ["a", "b", "c"]
    assert (first.asked, first.cached, again.asked, again.cached) == (2, 0, 1, 2)
    assert again.answers["b"].text == "about b"
    assert sum(done for done, _ in steps) == 3


def test_equal_questions_are_asked_once(tmp_path):
    answerer = RuleAnswerer(lambda _: "x")
    replies, _ = ask_all(tmp_path, answerer, "a", "a", "b")
    assert (answerer.asked, replies.asked, replies.cached) == (["b", "a"], 2, 1)


def test_answers_of_another_model_do_not_count(tmp_path):
    ask_all(tmp_path, RuleAnswerer(lambda _: "x"), "a")
    other = RuleAnswerer(lambda _: "y", identity="other")
    assert ask_all(tmp_path, other, "a")[0].answers["a"].text == "y"


@pytest.mark.parametrize(
    ("failure", "asked_again"),
    [("timed out", True), ("too many requests", True), ("refused", False), ("said nothing", False)],
)
def test_failures_that_may_pass_are_asked_again(tmp_path, failure, asked_again):
    answerer = RuleAnswerer(lambda each: Answer(each.key, "", failure))
    replies, steps = ask_all(tmp_path, answerer, "a")
    assert replies.answers["a"].failure == failure
    assert (1, 1) in steps
    ask_all(tmp_path, answerer, "a")
    assert len(answerer.asked) == 1 + asked_again


def test_all_of_an_answer_is_kept(tmp_path):
    answer = Answer("a", 'öne "line"\nand\u2028more', "", 3, None, 0.25)
    cache_of(tmp_path).add([answer])
    assert cache_of(tmp_path).get("a") == answer


def test_a_torn_last_line_is_cut_off_and_its_question_asked_again(tmp_path):
    cache = cache_of(tmp_path)
    cache.add([Answer("a", "x"), Answer("b", "y")])
    content = cache.path.read_bytes()
    cache.path.write_bytes(content[:-5])
    repaired = cache_of(tmp_path)
    assert repaired.get("a") == Answer("a", "x")
    assert repaired.get("b") is None
    repaired.add([Answer("b", "y")])
    assert cache.path.read_bytes() == content


def test_a_damaged_line_is_named(tmp_path):
    cache = cache_of(tmp_path)
    cache.add([Answer("a", "x"), Answer("b", "y")])
    cache.path.write_bytes(cache.path.read_bytes().replace(b'"text"', b'"test"', 1))
    with pytest.raises(ChecksumError, match=r"jsonl:1"):
        cache_of(tmp_path)


@pytest.mark.parametrize("edited", ['"text": 5', '"text": null', '"text": "x", "seconds": "y"'])
def test_a_line_that_was_edited_is_named_with_the_remedy(tmp_path, edited):
    cache = cache_of(tmp_path)
    cache.add([Answer("a", "x")])
    cache.path.write_text(cache.path.read_text().replace('"text": "x"', edited))
    with pytest.raises(ChecksumError, match=r"jsonl:1: .*delete the line"):
        cache_of(tmp_path)


def test_answers_that_came_before_the_server_died_are_kept(tmp_path):
    def answer_twice(each):
        if each.key == "a":
            raise ModelError("the server is gone")
        return "x"

    answerer = RuleAnswerer(answer_twice)
    with pytest.raises(ModelError):
        ask_all(tmp_path, answerer, "a", "b", "c")
    assert cache_of(tmp_path, "rule").get("b") is not None
    assert cache_of(tmp_path, "rule").get("c") is not None


def test_an_answerer_that_leaves_a_question_out_is_a_fault(tmp_path):
    class Lazy(RuleAnswerer):
        def answers(self, questions):
            return super().answers(questions[1:])

    with pytest.raises(ValueError, match="do not fit"):
        ask_all(tmp_path, Lazy(lambda _: "x"), "a", "b")


def test_a_model_with_a_long_name_has_a_file_like_others(tmp_path):
    caches = [AnswerCache(tmp_path, "openai:host#" + "m" * 400, identity) for identity in "ab"]
    for cache in caches:
        cache.add([Answer("a", cache.path.name)])
    assert len({cache.path for cache in caches}) == 2


def test_answers_are_written_before_an_interrupt_goes_on(tmp_path):
    """Whoever holds the lock lets it go right after."""
    answerer = RuleAnswerer(lambda _: "x")

    def interrupt(done, _):
        if done:
            raise KeyboardInterrupt

    cache = cache_of(tmp_path, "rule")
    with pytest.raises(KeyboardInterrupt) as raised:
        ask(answerer, [question("a"), question("b")], cache, interrupt)
    assert raised.traceback  # holds on to everything that was under way
    assert cache_of(tmp_path, "rule").get("b") == Answer("b", "x")


def test_a_write_that_failed_is_not_tried_again_behind_its_torn_line(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_SECONDS_BETWEEN_WRITES", 0.0)
    tries = []

    class Full(AnswerCache):
        def add(self, answers):
            if answers:
                tries.append([answer.key for answer in answers])
                raise StorageError("the disk is full")

    answerer = RuleAnswerer(lambda _: "x")
    with pytest.raises(StorageError):
        ask(answerer, [question("a"), question("b")], Full(tmp_path, "n", "rule"), lambda *_: None)
    assert tries == [["b"]]
