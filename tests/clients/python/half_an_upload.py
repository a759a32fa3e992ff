"""Sends half of an object and waits until the connection breaks: half_an_upload.py BUCKET KEY"""

import socket
import sys
import urllib.parse

from client import client

bucket, key = sys.argv[1:]
names = {"Bucket": bucket, "Key": key}
url = urllib.parse.urlsplit(client("s3", signature_version="s3v4").generate_presigned_url("put_object", Params=names))
with socket.create_connection((url.hostname, url.port)) as connection:
    head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-length: 8000000\r\n\r\n"
    connection.sendall(head.encode() + bytes(4_000_000))
    try:
        answer = connection.recv(1)
    except ConnectionResetError:
        answer = b""
assert not answer, "there is no answer to half a request"
