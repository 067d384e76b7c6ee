"""A `Post` that sends the same message by a plain request from its thread: no process, no library.

For tests of what is around it; the real one is in tests/alerts/test_post.py.
"""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

from surefill.alerts.letter import Letter
from surefill.alerts.post import HANGS, SENT, Post


class Wire(Post):
    """Sends to webhooks that are addressed as the library would address them."""

    def send(self, letter: Letter) -> str:
        parts = urlsplit(self._url.reveal())
        body = {"title": letter.title, "message": letter.body, "type": letter.kind}
        link = http.client.HTTPConnection(parts.netloc, timeout=0.2)
        try:
            link.request("POST", parts.path, json.dumps(body))
            status = link.getresponse().status
        except TimeoutError:
            return HANGS
        except OSError:
            return "UNREACHABLE"
        finally:
            link.close()
        return SENT if status == 200 else f"HTTP_{status}"
