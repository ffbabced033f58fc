"""An AWS Lambda function: a stream's URL in, its newest picture out, as a JPEG in S3 or in base64.

The event is {"url": "https://example.com/live/master.m3u8"}, and if wanted "at", "width", and "bucket" with "key". The package of the function
needs hlsnap's wheel; Lambda has boto3. python/tests/test_lambda.py calls it through AWS's runtime client.
"""

import base64

import boto3

import hlsnap


def handler(event, context):
    picture = hlsnap.snapshot(event["url"], at=event.get("at"), width=event.get("width"))
    if "bucket" not in event:
        return {**picture.report, "image_base64": base64.b64encode(picture.bytes).decode()}
    boto3.client("s3").put_object(Bucket=event["bucket"], Key=event["key"], Body=picture.bytes, ContentType=picture.media_type)
    return picture.report
