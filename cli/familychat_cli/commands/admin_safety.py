"""``familychat admin safety``: what age bands add to every prompt, and the safety filter."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from familychat.models import Band
from familychat_cli import invocation, options
from familychat_cli.output import ago, emit_json, say, table

if TYPE_CHECKING:
    from familychat.family.safety.filter import Finding
    from familychat.family.safety.topics import Topic

app = typer.Typer(help="Ages: prompts that they add, and the safety filter.", no_args_is_help=True)
topics = typer.Typer(help="What the safety filter looks for.", no_args_is_help=True)
app.add_typer(topics, name="topics")

BandName = Annotated[Band, typer.Argument(metavar="BAND", help="child, teen or adult.")]
TopicName = Annotated[str, typer.Argument(metavar="TOPIC", help="A topic's name.")]
MAX_PROMPT_FILE_BYTES = 64_000


class Check(StrEnum):
    """How the filter decides, as typed."""

    WORDS = "words"
    MODEL = "model"


@app.command("show")
def show(json: options.Json = False) -> None:
    """Show the bands with their prompts, whether the filter is required, and its topics."""
    with invocation.signed_in() as (home, user):
        safety = home.safety
        bands, by_model, known = safety.bands(user), safety.checks_by_model(user), safety.topics(user)
    if json:
        emit_json(
            {
                "bands": bands,
                "check": Check.MODEL if by_model else Check.WORDS,
                "topics": [_topic_json(topic) for topic in known],
            }
        )
        return
    for one in bands:
        say(f"{one.band.capitalize()}: the filter is {'required' if one.filtered else 'not required'}.", style="bold")
        whose = "your household's own" if one.own_prompt else "as familychat comes"
        say(f"Added to every prompt ({whose}):\n{one.prompt}\n" if one.prompt else "Nothing is added to prompts.\n")
    say(f"The filter looks for words{' and asks a model' if by_model else ' alone'}.")
    on = ", ".join(topic.name for topic in known if topic.active)
    say(f"Topics: {on or 'none is on'}")


@app.command("prompt")
def prompt(
    band: BandName,
    text: Annotated[str | None, typer.Option("--text", help="The new prompt.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="A file with the new prompt.")] = None,
    default: Annotated[bool, typer.Option("--default", help="Go back to the one familychat comes with.")] = False,
) -> None:
    """Change what a band adds to every system prompt. Nobody can take it out of their conversations."""
    from familychat.errors import InvalidInputError

    if sum([text is not None, file is not None, default]) != 1:
        raise InvalidInputError("Which prompt? Nothing was changed.", "Give one of --text, --file and --default.")
    new = _read(file) if file is not None else text
    with invocation.signed_in() as (home, user):
        home.safety.set_prompt(user, band, new)
    say(f"The prompt for {band} {'is the one familychat comes with again' if default else 'is changed'}.")


def _read(path: Path) -> str:
    from familychat.errors import InvalidInputError

    try:
        with path.open("rb") as file:
            data = file.read(MAX_PROMPT_FILE_BYTES + 1)
        if len(data) > MAX_PROMPT_FILE_BYTES:
            raise InvalidInputError(f"{path} is too long for a prompt. Nothing was changed.", "Shorten it.")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise InvalidInputError(f"{path} can't be read: {error.strerror}. Nothing was changed.") from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path} isn't UTF-8 text. Nothing was changed.", "Save it as UTF-8.") from error


@app.command("require")
def require(band: BandName) -> None:
    """Require the safety filter for everyone of a band."""
    with invocation.signed_in() as (home, user):
        home.safety.require(user, band)
    say(f"The safety filter holds for {band} from the next question on.")


@app.command("lift")
def lift(band: BandName) -> None:
    """Require the safety filter no more for a band."""
    with invocation.signed_in() as (home, user):
        home.safety.lift(user, band)
    say(f"The safety filter doesn't hold for {band} any more.")


@app.command("check")
def check(how: Annotated[Check, typer.Argument(metavar="HOW", help="words alone, or also a model.")]) -> None:
    """Choose whether a model checks questions and answers besides the words."""
    with invocation.signed_in() as (home, user):
        home.safety.check_by_model(user, wanted=how is Check.MODEL)
    if how is Check.MODEL:
        say("A model checks too, from the next question on. It costs time, and where it fails, words alone decide.")
    else:
        say("Words alone decide, from the next question on.")


@app.command("test")
def try_out(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A question to try.")], json: options.Json = False
) -> None:
    """Say what the filter would do with a question. Nothing is kept, and no model answers it."""
    finding = invocation.run(lambda: _tried(text))
    if json:
        found = None if finding is None else {"topic": finding.topic.name, "found_by": finding.found_by}
        emit_json({"blocked": finding is not None, "found": found})
    elif finding is None:
        say("It would go through.")
    else:
        say(f"It would be blocked, found by {finding.found_by}. Topic: {finding.topic.name}.")


async def _tried(text: str) -> Finding | None:
    from familychat.consulting import ModelAccess

    async with invocation.running_household() as (home, user):
        access = ModelAccess(
            home.servers,
            lambda name: home.permissions.require(user, f"model:{name}"),
            wanted=None,
            default=home.settings.model,
        )
        return await home.safety.try_out(user, text, access)


@app.command("events")
def events(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A user name.")], json: options.Json = False
) -> None:
    """Show when and on what the filter stepped in for a supervised person, without texts. They see that you looked."""
    with invocation.signed_in() as (home, user):
        found = home.safety.events(user, name)
    if json:
        emit_json(found)
        return
    rows = [[ago(one.at), one.topic, one.side, one.found_by, (one.conversation_id or "")[-6:]] for one in found]
    table(["When", "Topic", "In the", "Found by", "Conversation"], rows)
    say(f"{name} can see that you looked.", style="dim")


@topics.command("list")
def list_topics(json: options.Json = False) -> None:
    """Show every topic, also those that are switched off."""
    with invocation.signed_in() as (home, user):
        known = home.safety.topics(user)
    if json:
        emit_json([_topic_json(topic) for topic in known])
        return
    rows = [
        [
            topic.name,
            "on" if topic.active else "off",
            "your household" if topic.own else "familychat",
            str(len(topic.phrases)),
            topic.meaning,
        ]
        for topic in known
    ]
    table(["Topic", "", "From", "Phrases", "Meaning"], rows, right=["Phrases"])


def _topic_json(topic: Topic) -> dict[str, Any]:
    return {"name": topic.name, "active": topic.active, "own": topic.own, "meaning": topic.meaning}


@topics.command("add")
def add_topic(
    name: TopicName,
    words: Annotated[list[str], typer.Argument(metavar="WORDS...", help="Words; quote a phrase of several.")],
) -> None:
    """Add a topic of your own. kill* means every word that begins so, and ... up to four words in between."""
    with invocation.signed_in() as (home, user):
        home.safety.add_topic(user, name, words)
    say(f"The filter looks for {name} from the next question on. familychat admin safety test tries it out.")


@topics.command("remove")
def remove_topic(name: TopicName) -> None:
    """Remove a topic of your own."""
    with invocation.signed_in() as (home, user):
        home.safety.remove_topic(user, name)
    say(f"The topic {name} is gone.")


@topics.command("on")
def switch_on(name: TopicName) -> None:
    """Look for a topic again."""
    _switch(name, active=True)
    say(f"The filter looks for {name} again.")


@topics.command("off")
def switch_off(name: TopicName) -> None:
    """Don't look for a topic, for anybody."""
    _switch(name, active=False)
    say(f"The filter doesn't look for {name} any more.")


def _switch(name: str, *, active: bool) -> None:
    with invocation.signed_in() as (home, user):
        home.safety.switch_topic(user, name, active=active)
