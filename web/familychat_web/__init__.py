"""The family's page: a Litestar application over the library. It decides who may come in, the library everything else.

How a request goes: :mod:`.gate` (who asks, by which name, with which headers it is answered) - the guards of
:mod:`.guards` (how often, who is signed in, did it come from our own page) - a handler in ``controllers/`` - and, if
anything fails on the way, :mod:`.errors`.

To add

- **a page:** a handler in a file of ``controllers/`` (named in ``controllers/__init__.py``) that asks the household
  and returns ``page(request, "name.html", value=...)``; a template that extends ``layout.html``, or
  ``shell.html``, which is given ``**conversations_pane(home, user)``, too.
  Who isn't signed in doesn't get there, unless it says ``opt=OPEN_TO_ALL``; ``guards=[admins_only]`` keeps it to
  admins. All words in templates go through ``_()``.
- **anything about one conversation:** a path with ``{conversation_id:str}``; the parameter ``conversation`` is then the
  person's own of that id, and somebody else's look like none at all.
- **a part of a page:** a template in ``templates/partials/``, included by the page, and returned alone by
  ``page(request, "partials/name.html", ...)``.
- **a form:** ``method="post"``, with ``{% include "partials/csrf.html" %}`` in it. Its handler reads with
  ``opt=reads("name")`` and ``await fields(request)``, and ends with ``see_other("/where")``. Scripts send the token of
  ``<meta name="csrf">`` as the header ``X-CSRF-Token``, which uploads need.
- **something an admin can do:** a function of :class:`.admin_pages.Doing` in its page's table of acts, a form that says
  ``do``, and what is said when it is done in ``templates/admin/done.html``. Plain functions run in a thread.
- **a JSON endpoint:** a path below ``/api/`` and a return type that msgspec knows. Errors of the library become problem
  details (RFC 9457) by themselves.
- **an answer of another kind:** :mod:`.describing` tells programs of every route, from what its handler says:
  ``media_type``, ``responses``, or ``GIVES``, ``TAKES`` and ``MAY_FAIL`` in its ``opt``.
- **slow or blocking work:** ``await off_loop(request, function, ...)``. Reading a row or two needs none of it.
- **a stream:** ends when ``request.app.state.stopping`` is set, and asks ``still_signed_in(request)`` as it goes.
- **a file:** in ``static/``; templates name it with ``static("name.css")``, and modules import each other by ``./``.

Then tell the promises: ``tests/promises/test_p18_objects.py`` has a row for each route, and fails until it is there;
tests 17 and 20 find the routes by themselves, as do ``tests/web/test_schemathesis.py``, ``test_fuzzing.py``
and, but for pages with ids, ``test_axe.py``.
"""

from __future__ import annotations

from familychat_web.app import create_app

__all__ = ["create_app"]
