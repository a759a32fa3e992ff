"""boto3's S3: the transfer manager, checksums, versions, conditions, lists, presigned URLs."""

import base64
import hashlib
import io
import os
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from client import client, equal, refused, run

MIB = 1024 * 1024
s3 = client("s3")


def content(size, seed=1):
    block = hashlib.sha512(bytes([seed])).digest()
    return (block * (size // len(block) + 1))[:size]


def got(key, **options):
    return s3.get_object(Bucket="bkt", Key=key, **options)["Body"].read()


def transfer_manager():
    """Parts and threads, up and down, from files and streams, and a copy in parts."""
    small_parts = TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=5 * MIB, max_concurrency=8)
    body = content(23 * MIB + 7)
    with open("large", "wb") as file:
        file.write(body)
    seen = []
    s3.upload_file(
        "large", "bkt", "tm/large", Config=small_parts, Callback=seen.append,
        ExtraArgs={"Metadata": {"origin": "boto3"}, "ContentType": "application/zip"},
    )
    equal(sum(seen), len(body), "bytes reported")
    head = s3.head_object(Bucket="bkt", Key="tm/large")
    equal(head["ContentLength"], len(body), "length")
    assert head["ETag"].endswith('-5"'), head["ETag"]
    equal((head["Metadata"], head["ContentType"]), ({"origin": "boto3"}, "application/zip"), "description")
    s3.download_file("bkt", "tm/large", "back", Config=small_parts)
    with open("back", "rb") as file:
        assert file.read() == body, "the file comes back as it was"
    s3.upload_fileobj(io.BytesIO(body), "bkt", "tm/stream", Config=small_parts)
    back = io.BytesIO()
    s3.download_fileobj("bkt", "tm/stream", back, Config=small_parts)
    assert back.getvalue() == body, "the stream comes back as it was"
    s3.copy({"Bucket": "bkt", "Key": "tm/large"}, "bkt", "tm/copy", Config=small_parts)
    assert got("tm/copy") == body, "the copy in parts is whole"
    s3.upload_file("large", "bkt", "tm/whole", Config=TransferConfig(multipart_threshold=64 * MIB))
    equal(s3.head_object(Bucket="bkt", Key="tm/whole")["ETag"], f'"{hashlib.md5(body).hexdigest()}"', "ETag")


def many_at_a_time():
    def put(at):
        s3.put_object(Bucket="bkt", Key=f"th/{at}", Body=content(MIB, at))

    threads = [threading.Thread(target=put, args=(at,)) for at in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for at in range(16):
        assert got(f"th/{at}") == content(MIB, at), f"object {at} of 16 at a time"


def checksums():
    """Each algorithm, as the SDK computes it and as the caller states it."""
    body = content(100_000)
    for algorithm in ["CRC32", "SHA1", "SHA256"]:
        member = f"Checksum{algorithm}"
        put = s3.put_object(Bucket="bkt", Key="sum", Body=body, ChecksumAlgorithm=algorithm)
        answered = s3.get_object(Bucket="bkt", Key="sum", ChecksumMode="ENABLED")
        equal((answered[member], answered["Body"].read()), (put[member], body), algorithm)
        equal(s3.head_object(Bucket="bkt", Key="sum", ChecksumMode="ENABLED")[member], put[member], algorithm)
        assert member not in s3.head_object(Bucket="bkt", Key="sum"), "only who asks is told"
    stated = base64.b64encode(hashlib.sha256(body).digest()).decode()
    equal(s3.put_object(Bucket="bkt", Key="sum", Body=body, ChecksumSHA256=stated)["ChecksumSHA256"], stated)
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    with refused("BadDigest"):
        s3.put_object(Bucket="bkt", Key="sum2", Body=body, ChecksumSHA256=wrong)
    with refused("BadDigest"):
        s3.put_object(Bucket="bkt", Key="sum2", Body=body, ContentMD5=base64.b64encode(bytes(16)).decode())
    # Of `123456789`, from the algorithms' own documents: Python has no library for these two.
    for member, value in [("ChecksumCRC32C", "4waSgw=="), ("ChecksumCRC64NVME", "rosUhgp5mIg=")]:
        equal(s3.put_object(Bucket="bkt", Key="nine", Body=b"123456789", **{member: value})[member], value, member)
        equal(s3.head_object(Bucket="bkt", Key="nine", ChecksumMode="ENABLED")[member], value, member)
        with refused("BadDigest"):
            s3.put_object(Bucket="bkt", Key="nine", Body=b"12345678", **{member: value})


def checksums_of_parts():
    for algorithm, kind in [("SHA256", "COMPOSITE"), ("CRC32", "FULL_OBJECT")]:
        member = f"Checksum{algorithm}"
        names = {"Bucket": "bkt", "Key": "sums"}
        names["UploadId"] = s3.create_multipart_upload(
            **names, ChecksumAlgorithm=algorithm, ChecksumType=kind
        )["UploadId"]
        parts = []
        for number, part in enumerate([content(5 * MIB), b"tail"], 1):
            done = s3.upload_part(**names, PartNumber=number, Body=part, ChecksumAlgorithm=algorithm)
            parts.append({"PartNumber": number, "ETag": done["ETag"], member: done[member]})
        listed = s3.list_parts(**names)
        equal((listed["ChecksumAlgorithm"], listed["ChecksumType"]), (algorithm, kind))
        equal([part[member] for part in listed["Parts"]], [part[member] for part in parts])
        done = s3.complete_multipart_upload(**names, MultipartUpload={"Parts": parts})
        equal(done["ChecksumType"], kind)
        head = s3.head_object(Bucket="bkt", Key="sums", ChecksumMode="ENABLED")
        equal((head[member], head["ChecksumType"]), (done[member], kind))
        equal(got("sums", ChecksumMode="ENABLED"), content(5 * MIB) + b"tail", "the SDK verifies it, too")


def multipart():
    """What tools do to uploads: list, list parts in pages, abort, copy a part."""
    s3.put_object(Bucket="bkt", Key="source", Body=content(6 * MIB))
    source = {"Bucket": "bkt", "Key": "source"}
    names = {"Bucket": "bkt", "Key": "mp/a"}
    names["UploadId"] = s3.create_multipart_upload(**names)["UploadId"]
    whole = s3.upload_part_copy(**names, PartNumber=1, CopySource=source)
    some = s3.upload_part_copy(**names, PartNumber=2, CopySource=source, CopySourceRange="bytes=1-4")
    tags = [copied["CopyPartResult"]["ETag"] for copied in (whole, some)]
    pages = s3.get_paginator("list_parts").paginate(**names, PaginationConfig={"PageSize": 1})
    equal([[part["Size"] for part in page["Parts"]] for page in pages], [[6 * MIB], [4]])
    other = s3.create_multipart_upload(Bucket="bkt", Key="mp/b")["UploadId"]
    pages = s3.get_paginator("list_multipart_uploads").paginate(
        Bucket="bkt", Prefix="mp/", PaginationConfig={"PageSize": 1}
    )
    equal([upload["UploadId"] for page in pages for upload in page["Uploads"]], [names["UploadId"], other])
    s3.abort_multipart_upload(Bucket="bkt", Key="mp/b", UploadId=other)
    with refused("NoSuchUpload"):
        s3.list_parts(Bucket="bkt", Key="mp/b", UploadId=other)
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
    with refused("InvalidPartOrder"):
        s3.complete_multipart_upload(**names, MultipartUpload={"Parts": parts[::-1]})
    s3.complete_multipart_upload(**names, MultipartUpload={"Parts": parts})
    equal(got("mp/a"), content(6 * MIB) + content(6 * MIB)[1:5])
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="bkt"), "completed and aborted ones are gone"


def ranges_and_conditions():
    names = {"Bucket": "bkt", "Key": "r"}
    tag = s3.put_object(**names, Body=b"0123456789")["ETag"]
    for asked, expected in [("2-4", b"234"), ("7-", b"789"), ("-3", b"789"), ("8-99", b"89")]:
        answer = s3.get_object(**names, Range=f"bytes={asked}")
        equal((answer["Body"].read(), answer["ResponseMetadata"]["HTTPStatusCode"]), (expected, 206), asked)
    equal(s3.get_object(**names, Range="bytes=2-4")["ContentRange"], "bytes 2-4/10")
    with refused("InvalidRange"):
        s3.get_object(**names, Range="bytes=10-")
    equal(got("r", IfMatch=tag), b"0123456789")
    with refused("PreconditionFailed"):
        s3.get_object(**names, IfMatch='"other"')
    with refused("304"):
        s3.get_object(**names, IfNoneMatch=tag)
    with refused("PreconditionFailed"):
        s3.put_object(**names, Body=b"x", IfNoneMatch="*")
    s3.put_object(Bucket="bkt", Key="r2", Body=b"x", IfNoneMatch="*")
    with refused("PreconditionFailed"):
        s3.put_object(**names, Body=b"x", IfMatch='"other"')
    s3.put_object(**names, Body=b"y", IfMatch=tag)


def errors():
    for call, error in [
        (lambda: s3.get_object(Bucket="bkt", Key="none"), s3.exceptions.NoSuchKey),
        (lambda: s3.list_objects_v2(Bucket="no-such-bucket"), s3.exceptions.NoSuchBucket),
        (lambda: s3.list_parts(Bucket="bkt", Key="k", UploadId="x"), s3.exceptions.NoSuchUpload),
    ]:
        try:
            call()
        except error:
            continue
        raise AssertionError(f"{error} was expected")
    with refused("404"):
        s3.head_object(Bucket="bkt", Key="none")
    with refused("404"):
        s3.head_bucket(Bucket="no-such-bucket")
    s3.get_waiter("object_exists").wait(Bucket="bkt", Key="r")
    s3.get_waiter("bucket_exists").wait(Bucket="bkt")


def versions():
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    equal(s3.get_bucket_versioning(Bucket="versioned")["Status"], "Enabled")
    names = {"Bucket": "versioned", "Key": "k"}
    first = s3.put_object(**names, Body=b"1")["VersionId"]
    second = s3.put_object(**names, Body=b"2")["VersionId"]
    equal(s3.get_object(**names, VersionId=first)["Body"].read(), b"1")
    marker = s3.delete_object(**names)
    equal(marker["DeleteMarker"], True)
    with refused("NoSuchKey"):
        s3.get_object(**names)
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket="versioned", PaginationConfig={"PageSize": 1}
    )
    found = [
        (one["VersionId"], one["IsLatest"])
        for page in pages
        for one in page.get("DeleteMarkers", []) + page.get("Versions", [])
    ]
    equal(found, [(marker["VersionId"], True), (second, False), (first, False)])
    copied = s3.copy_object(Bucket="versioned", Key="copy", CopySource={**names, "VersionId": first})
    equal(copied["CopySourceVersionId"], first)
    s3.delete_object(**names, VersionId=marker["VersionId"])
    equal(s3.get_object(**names)["VersionId"], second)
    boto3.resource("s3").Bucket("versioned").object_versions.delete()
    s3.delete_bucket(Bucket="versioned")
    s3.get_waiter("bucket_not_exists").wait(Bucket="versioned")


def lists():
    s3.create_bucket(Bucket="lists")
    keys = ["a", "dir/1", "dir/2", "dir/sub/3", "zoë & <co>/+%", "z"]
    for key in keys:
        s3.put_object(Bucket="lists", Key=key, Body=b"")
    in_order = sorted(keys, key=lambda key: key.encode())
    for operation in ["list_objects_v2", "list_objects"]:
        pages = s3.get_paginator(operation).paginate(Bucket="lists", PaginationConfig={"PageSize": 2})
        equal([one["Key"] for page in pages for one in page["Contents"]], in_order, operation)
        page = getattr(s3, operation)(Bucket="lists", Delimiter="/")
        equal([one["Prefix"] for one in page["CommonPrefixes"]], ["dir/", "zoë & <co>/"], operation)
        equal([one["Key"] for one in page["Contents"]], ["a", "z"], operation)
    page = s3.list_objects_v2(
        Bucket="lists", StartAfter="dir/1", Prefix="dir/", Delimiter="/", FetchOwner=True
    )
    equal([one["Key"] for one in page["Contents"]], ["dir/2"])
    equal((page["KeyCount"], page["Contents"][0]["Owner"]["ID"]), (2, "000000000000"))
    objects = [{"Key": key} for key in [*keys, "never"]]
    deleted = s3.delete_objects(Bucket="lists", Delete={"Objects": objects})
    equal(sorted(one["Key"] for one in deleted["Deleted"]), sorted([*keys, "never"]))
    s3.delete_bucket(Bucket="lists")


def location():
    equal(s3.get_bucket_location(Bucket="bkt")["LocationConstraint"], None)
    equal(s3.head_bucket(Bucket="bkt")["BucketRegion"], "us-east-1")
    headers = s3.head_bucket(Bucket="bkt")["ResponseMetadata"]["HTTPHeaders"]
    equal(headers["x-amz-bucket-region"], "us-east-1")


def fetch(url, method="GET", body=None, headers=None):
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def presigned():
    for version in ["s3v4", "s3"]:
        signer = client("s3", signature_version=version)
        names = {"Bucket": "bkt", "Key": f"pre/{version}"}
        put = signer.generate_presigned_url("put_object", Params=names)
        equal(fetch(put, "PUT", b"by url", {"Content-Type": ""})[0], 200, version)
        get = signer.generate_presigned_url("get_object", Params=names)
        equal(fetch(get), (200, b"by url"), version)
        equal(fetch(get.replace(f"pre/{version}", "r"))[0], 403, "a URL is for one object")
        equal(fetch(get, "DELETE")[0], 403, "a URL is for one method")
        late = signer.generate_presigned_url("get_object", Params=names, ExpiresIn=1)
        deadline = time.monotonic() + 60
        while (status := fetch(late)[0]) == 200:
            assert time.monotonic() < deadline, "a URL has its end"
        equal(status, 403, "a URL has its end")


def addressing():
    """Both styles; names below `localhost` mean this machine, also where the system does not know that."""
    resolve = socket.getaddrinfo
    socket.getaddrinfo = lambda host, *rest, **options: resolve(
        "127.0.0.1" if str(host).endswith("localhost") else host, *rest, **options
    )
    endpoint = os.environ["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost")
    for style in ["virtual", "path"]:
        styled = boto3.client("s3", endpoint_url=endpoint, config=Config(s3={"addressing_style": style}))
        urls = []
        styled.meta.events.register("before-send.s3", lambda request, **_: urls.append(request.url))
        styled.put_object(Bucket="bkt", Key=f"style/{style}", Body=b"styled")
        equal(got(f"style/{style}"), b"styled", style)
        equal("//bkt.localhost" in urls[0], style == "virtual", urls[0])


s3.create_bucket(Bucket="bkt")
run(
    transfer_manager, many_at_a_time, checksums, checksums_of_parts, multipart, ranges_and_conditions, errors,
    versions, lists, location, presigned, addressing,
)
