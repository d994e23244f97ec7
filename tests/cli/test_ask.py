"""``familychat ask`` against the real built-in engine, and everything that can go wrong around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from familychat_cli.testing import CommandLine

pytestmark = pytest.mark.embedded


def test_json_has_the_promised_shape(cli: CommandLine, with_model: Path) -> None:
    answer = cli("ask", "Name a fruit.", "--json", "--max-tokens", "8", "--temperature", "0").json()
    assert answer["answer"].strip()
    assert answer["status"] == "complete"
    assert answer["model"] == "smollm2-135m-instruct"
    usage = answer["usage"]
    assert usage["prompt_tokens"] > 0
    assert 0 < usage["completion_tokens"] <= 8
    assert usage["time_to_first_token_ms"] > 0
    assert usage["tokens_per_second"] > 0
    stored = cli("conversations", "show", answer["conversation"], "--json").json()
    assert stored["messages"][1]["content"] == answer["answer"]
    assert stored["messages"][1]["usage"] == usage


def test_standard_input_is_appended(cli: CommandLine, with_model: Path) -> None:
    cli("ask", "What is this about?", "--max-tokens", "3", stdin="A recipe for pancakes.\n")
    shown = cli("conversations", "show", "What is this", "--json").json()
    assert shown["messages"][0]["content"] == "What is this about?\n\nA recipe for pancakes."


def test_plain_text_in_a_pipe(cli: CommandLine, with_model: Path) -> None:
    result = cli("ask", "Say hello.", "--max-tokens", "8", "--temperature", "0")
    assert result.code == 0
    assert result.out.strip()
    assert "\x1b" not in result.out
    assert (
        result.err == "The answer reached its length limit. Ask it to go on, or raise max tokens.\n" or not result.err
    )


def test_going_on_with_a_conversation(cli: CommandLine, with_model: Path) -> None:
    first = cli("ask", "One.", "--json", "--max-tokens", "3", "--temperature", "0", "--system", "Be brief.").json()
    cli("ask", "Something else.", "--max-tokens", "3")
    second = cli("ask", "Two.", "--conversation", first["conversation"][-6:], "--json").json()
    third = cli("ask", "Three.", "--continue", "--json", "--top-p", "0.5").json()
    assert first["conversation"] == second["conversation"] == third["conversation"]
    stored = cli("conversations", "show", first["conversation"], "--json").json()
    assert [m["content"] for m in stored["messages"] if m["author"] == "user"] == ["One.", "Two.", "Three."]
    assert stored["parameters"] == {"temperature": 0.0, "top_p": 0.5, "max_tokens": 3}
    assert stored["system_prompt"] == "Be brief."
    assert second["usage"]["completion_tokens"] <= 3


@pytest.mark.parametrize(
    ("args", "stdin", "code", "words"),
    [
        ([], "", 2, "The question is empty. Type something to ask."),
        (["   "], " \n ", 2, "The question is empty. Type something to ask."),
        (["Hi"], b"caf\xe9", 2, "Standard input isn't UTF-8 text (byte 4). Nothing was sent."),
        (["Hi", "--model", "no-such"], "", 6, "The built-in engine doesn't have the model no-such."),
        (["Hi", "--task", "no-such"], "", 10, "There is no task no-such. There are: general, homework, music, story."),
        (["Hi", "--temperature", "9"], "", 2, "temperature can't be 9.0. Allowed: 0 to 2."),
        (["Hi", "--top-p", "0"], "", 2, "top_p can't be 0.0."),
        (["Hi", "--max-tokens", "0"], "", 2, "max_tokens can't be 0."),
        (["Hi", "--conversation", "no-such"], "", 3, "You have no conversation no-such."),
        (["Hi", "--continue"], "", 3, "You have no conversation to go on with yet."),
    ],
)
def test_bad_input_gets_one_clear_line(
    cli: CommandLine, with_model: Path, args: list[str], stdin: str | bytes, code: int, words: str
) -> None:
    result = cli("ask", *args, stdin=stdin)
    assert result.code == code
    assert result.err.startswith(words)
    assert len(result.err.strip().splitlines()) == 1
    assert result.out == ""


def test_a_question_of_a_megabyte_names_its_size_and_the_limit(cli: CommandLine, with_model: Path) -> None:
    result = cli("ask", "Sum this up:", stdin="word " * 200_000)
    assert result.code == 2
    assert "tokens long, and smollm2-135m-instruct can read 3,072 at once. Nothing was sent." in result.err
    kept = cli("conversations", "show", "Sum this up", "--json").json()["messages"]
    assert len(kept[0]["content"]) > 999_000
    assert kept[1]["status"] == "failed"


def test_more_than_can_be_stored_is_refused_whole(cli: CommandLine, with_model: Path) -> None:
    result = cli("ask", stdin=b"x" * 8_000_001)
    assert result.code == 2
    assert result.err.startswith("Standard input is over 8,000,000 bytes long. Nothing was sent.")
    assert cli("conversations", "list", "--json").json() == []


def test_the_technical_cause_is_there_when_asked_for(cli: CommandLine, data_dir: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    command = cli.using(FAMILYCHAT_EMBEDDED_MODEL=str(broken))
    plain, verbose = command("ask", "Hi"), command("-v", "ask", "Hi")
    assert plain.code == verbose.code == 6
    assert "can't load broken.gguf" in plain.err
    assert "because of" not in plain.err
    assert "because of" in verbose.err


def test_wrong_address(cli: CommandLine) -> None:
    command = cli.using(FAMILYCHAT_SERVER_KIND="openai", FAMILYCHAT_SERVER_URL="http://127.0.0.1:9")
    result = command("ask", "Hi there")
    assert result.code == 6
    assert result.err.startswith("The model server doesn't answer at http://127.0.0.1:9. Is it running?")
    kept = cli("conversations", "show", "Hi there", "--json").json()["messages"]
    assert [(m["content"], m["status"]) for m in kept] == [("Hi there", "complete"), ("", "failed")]


def test_a_wrong_setting_names_itself_its_source_and_what_is_allowed(cli: CommandLine) -> None:
    result = cli.using(FAMILYCHAT_SERVER_URL="nonsense")("ask", "Hi")
    assert result.code == 9
    assert "server.url" in result.err
    assert "FAMILYCHAT_SERVER_URL" in result.err
    assert "Allowed: an address such as" in result.err


def test_an_unknown_task_is_said_before_anything_is_typed(cli: CommandLine, with_model: Path) -> None:
    result = cli("chat", "--task", "no-such", stdin="Hello\n")
    assert (result.code, result.out) == (10, "")
    assert cli("conversations", "list", "--json").json() == []
