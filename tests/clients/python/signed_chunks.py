"""Uploads in chunks of which each is signed, with and without trailer; keys come from botocore.

Source: AWS, "Signature calculations for the Authorization header: transferring payload in multiple chunks".
"""

import base64
import hashlib
import http.client
import os
import urllib.parse
import zlib

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from client import client, equal

EMPTY = hashlib.sha256(b"").hexdigest()
CREDENTIALS = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
TRAILER = "x-amz-checksum-crc32"


class Chunked(S3SigV4Auth):
    """Signs a request whose payload is said to come in signed chunks."""

    def __init__(self, kind):
        super().__init__(CREDENTIALS, "s3", "us-east-1")
        self.kind = kind

    def payload(self, request):
        return self.kind

    def _should_sha256_sign_payload(self, request):
        return True

    def next_signature(self, request, kind, *hashes):
        text = "\n".join([kind, request.context["timestamp"], self.credential_scope(request), *hashes])
        return self.signature(text, request)


def upload(key, body, chunk_bytes, has_trailer=False, spoil=False, cut=None):
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if has_trailer else "")
    headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(len(body))}
    if has_trailer:
        headers["x-amz-trailer"] = TRAILER
    request = AWSRequest("PUT", f"{ENDPOINT}/bkt/{key}", headers=headers)
    auth = Chunked(kind)
    request.headers["x-amz-content-sha256"] = kind
    auth.add_auth(request)
    signature = request.headers["Authorization"].rsplit("Signature=", 1)[1]
    out = b""
    for at in [*range(0, len(body), chunk_bytes), len(body)]:
        chunk = body[at:at + chunk_bytes]
        digest = hashlib.sha256(chunk).hexdigest()
        signature = auth.next_signature(request, "AWS4-HMAC-SHA256-PAYLOAD", signature, EMPTY, digest)
        if spoil and at == chunk_bytes:
            chunk = bytes(len(chunk))
        # After the last chunk there are trailers, or a line end.
        end = b"" if has_trailer and not chunk else b"\r\n"
        out += f"{len(chunk):x};chunk-signature={signature}\r\n".encode() + chunk + end
    if has_trailer:
        line = f"{TRAILER}:{base64.b64encode(zlib.crc32(body).to_bytes(4, 'big')).decode()}"
        digest = hashlib.sha256(f"{line}\n".encode()).hexdigest()
        signature = auth.next_signature(request, "AWS4-HMAC-SHA256-TRAILER", signature, digest)
        out += f"{line}\r\nx-amz-trailer-signature:{signature}\r\n\r\n".encode()
    url = urllib.parse.urlsplit(request.url)
    connection = http.client.HTTPConnection(url.hostname, url.port)
    connection.request("PUT", url.path, out[:cut], {**request.headers, "content-length": str(len(out))})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


s3 = client("s3")
s3.create_bucket(Bucket="bkt")
body = bytes(at % 251 for at in range(1_000_003))
for key, chunk_bytes in [("small", 65536), ("one", 2_000_000)]:
    for has_trailer in [False, True]:
        equal(upload(key, body, chunk_bytes, has_trailer), (200, ""), f"{key}, trailer: {has_trailer}")
        equal(s3.get_object(Bucket="bkt", Key=key)["Body"].read(), body)
status, text = upload("spoiled", body, 65536, spoil=True)
equal(status, 403, text)
assert "SignatureDoesNotMatch" in text, text
status, text = upload("huge", bytes(5_000_000), 5_000_000, cut=1000)
equal(status, 400, text)
assert "5000000 bytes, more than the 4194304 allowed" in text, text
equal(sorted(one["Key"] for one in s3.list_objects_v2(Bucket="bkt")["Contents"]), ["one", "small"])
