"""The dashboard's login page: plain HTML, no script, so that its policy can be the strictest.

What: `login_page`, `form_of` (the posted fields), the cookie's text.
Invariants: the token comes in the body of a POST and goes nowhere else: it is not shown again, not
in an address, not in a cookie. Text is escaped.
Must never: say whether a token was nearly right.
"""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs

FIELD = "token"
TOKEN_CHARS_MAX = 200
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def login_page(problem: str = "") -> bytes:
    """The page; ``problem``: why the last try did not do."""
    said = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Log in - Surefill</title><link rel="stylesheet" href="/assets/style.css">
<link rel="icon" href="/assets/icon.svg"></head>
<body class="login"><main>
<h1>Surefill</h1>
<form method="post" action="/login" autocomplete="off">
<label for="token">Token</label>
<input id="token" name="{FIELD}" type="password" required autofocus autocomplete="off"
 spellcheck="false" maxlength="{TOKEN_CHARS_MAX}">
{said}
<button type="submit">Log in</button>
</form>
<p class="hint">One of the tokens in the file that <code>surefill serve</code> named at its start:
<b>viewer</b> reads, <b>operator</b> also acts, <b>kill-only</b> has the kill switch.</p>
</main></body></html>
""".encode()


def token_in(body: bytes) -> str:
    """The token of a posted form; "" when there is none."""
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=4).get(FIELD, [""])
    except (UnicodeDecodeError, ValueError):
        return ""
    return found[0].strip()[:TOKEN_CHARS_MAX]


def cookie_name(port: int, *, is_tls: bool) -> str:
    """A cookie goes to every port of its host, so each server has a name of its own."""
    return f"{'__Host-' if is_tls else ''}surefill-{port}"


def cookie_text(name: str, value: str, *, is_tls: bool) -> str:
    """The header that sets it, or with an empty value takes it away."""
    secure = "; Secure" if is_tls else ""
    ends = "" if value else "; Max-Age=0"
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{ends}"


def cookie_in(header: str, name: str) -> str:
    """The value of our cookie in a request's header; "" when there is none."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""
