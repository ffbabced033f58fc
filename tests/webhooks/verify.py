"""Verifies the webhooks of standard input, a JSON array of {headers, body}, with the reference library of Standard Webhooks.

    verify.py KEY
"""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

OTHER_KEY = "whsec_" + "A" * 32


def is_refused(webhook, body, headers):
    try:
        webhook.verify(body, headers)
    except WebhookVerificationError:
        return True
    return False


messages = json.load(sys.stdin)
webhook = Webhook(sys.argv[1])
for message in messages:
    webhook.verify(message["body"], message["headers"])
changed = sum(is_refused(webhook, message["body"] + " ", message["headers"]) for message in messages)
foreign = sum(is_refused(Webhook(OTHER_KEY), message["body"], message["headers"]) for message in messages)
print(f"{len(messages)} verified, {changed} with another body refused, {foreign} with another key refused")
