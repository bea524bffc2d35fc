"""Sends a member's events and asks for a decision, through a client that is generated from the service's own document.

    pip install openapi-python-client httpx attrs python-dateutil
    curl -s http://127.0.0.1:8750/v1/openapi.json > openapi.json
    openapi-python-client generate --path openapi.json --meta none --config docs/clients/openapi-python-client.yaml
    PLAYBOOK_URL=http://127.0.0.1:8750 PLAYBOOK_KEY=pb_... python3 docs/clients/decide.py demo-club m-2
"""

import os
import sys
import time
import uuid

from playbook_client import AuthenticatedClient
from playbook_client.api.decisions import decide
from playbook_client.api.events import add_event
from playbook_client.api.members import put_member
from playbook_client.models import DecisionRequest, Event, MemberChange, Problem

TRIES_MAX = 5


def said(call, **request):
    """Calls until there is an answer. Each try has the same idempotency key, so that it happens once."""
    key = str(uuid.uuid4())
    for attempt in range(TRIES_MAX):
        answer = call.sync_detailed(idempotency_key=key, **request)
        if answer.status_code not in (429, 503):
            break
        # Too much at once, or not ready: the service says when to come again.
        time.sleep(float(answer.headers.get("retry-after", 2**attempt)))
    if isinstance(answer.parsed, Problem):
        sys.exit(f"{answer.parsed.code}: {answer.parsed.title} {answer.parsed.hint}")
    if answer.parsed is None and not 200 <= answer.status_code < 300:
        sys.exit(f"status {int(answer.status_code)}")
    return answer.parsed


def main():
    brand, member = sys.argv[1:]
    with AuthenticatedClient(os.environ["PLAYBOOK_URL"], os.environ["PLAYBOOK_KEY"]) as client:
        consent = {"purpose": "marketing", "state": "granted", "time": "2026-06-01T10:00:00Z"}
        change = MemberChange.from_dict({"consents": [consent]})
        said(put_member, brand=brand, member=member, client=client, body=change)
        for day in range(1, 6):
            moment = f"2026-06-{20 + day}T09:00:00Z"
            event = Event(event_id=f"{member}-{day}", member=member, kind="comment", time=moment)
            answer = said(add_event, brand=brand, client=client, body=event)
            print(f"event {event.event_id}: {answer.status}")
        request = DecisionRequest(member=member, at="2026-07-01T00:00:00Z")
        decision = said(decide, brand=brand, client=client, body=request)
    for segment in decision.segments:
        print(f"segment {segment.segment}: {segment.text}")
    for effect in decision.granted:
        print(f"gets {effect.quantity} {effect.action}: {effect.text}")
    for effect in decision.refused:
        print(f"does not get {effect.action}: {effect.refusal.code}, {effect.refusal.text}")
    print(f"decision {decision.id} by version {decision.version[:12]}")


main()
