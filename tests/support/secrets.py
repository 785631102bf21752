"""Texts with credentials in them, and what is to be shown of them."""

from __future__ import annotations

S = "hunter2Zx9"
"""The credential in each of these texts."""

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

SECRETS = {
    # URLs
    f"https://me:{S}@a.example/x?y=1#z": "https://a.example/x?y=1#z",
    f"https://{S}@github.example/o/r.git": "https://github.example/o/r.git",
    f"GET https://me:p@{S}@a.example:81/ failed": "GET https://a.example:81/ failed",
    f"redis://:{S}@cache.example:6380/0": "redis://cache.example:6380/0",
    f"postgresql+psycopg2://u:{S}/#?x@db.example/shop": "postgresql+psycopg2://db.example/shop",
    f"mongodb+srv://u:{S}@a.example,b.example/?w=1": "mongodb+srv://a.example,b.example/?w=1",
    f'cannot open "amqp://guest:{S}@mq:5672/" (x@y)': 'cannot open "amqp://mq:5672/" (x@y)',
    f"https://f.azurewebsites.net/api/x?code={S}==&b=1": "https://f.azurewebsites.net/api/x?code=REDACTED&b=1",
    f"https://s.blob.core.windows.net/c/b?sv=2022&sp=r&sig={S}%2Fx%3D&se=2": "https://s.blob.core.windows.net/c/b?sv=2022&sp=r&sig=REDACTED&se=2",
    f"/api/x?api_key={S}": "/api/x?api_key=REDACTED",
    f"/cb?state=1&code={S}#top": "/cb?state=1&code=REDACTED#top",
    f"/x?access_token={S}&a=b": "/x?access_token=REDACTED&a=b",
    f"/x?X-Amz-Signature={S}&a=b": "/x?X-Amz-Signature=REDACTED&a=b",
    f"/x?Signature={S}&AWSAccessKeyId={S}": "/x?Signature=REDACTED&AWSAccessKeyId=REDACTED",
    f"/login?to=https%3A%2F%2Fa.example%2F%3Fcode%3D{S}%26b%3D1": "/login?to=https%3A%2F%2Fa.example%2F%3Fcode%3DREDACTED%26b%3D1",
    # connection strings
    f"DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={KEY};EndpointSuffix=core.windows.net": "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=REDACTED;EndpointSuffix=core.windows.net",
    f"Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={KEY};EntityPath=q": "Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=REDACTED;EntityPath=q",
    f"BlobEndpoint=https://s.blob.core.windows.net;SharedAccessSignature=sv=2022&sig={S}": "BlobEndpoint=https://s.blob.core.windows.net;SharedAccessSignature=REDACTED",
    f"Server=tcp:d.database.windows.net,1433;User ID=sa;Password={S} &,#x;Encrypt=True": "Server=tcp:d.database.windows.net,1433;User ID=sa;Password=REDACTED;Encrypt=True",
    f"Driver={{ODBC Driver 18}};Uid=sa;Pwd={S};": "Driver={ODBC Driver 18};Uid=sa;Pwd=REDACTED;",
    f'Server=x;Password="{S};y";Database=z': 'Server=x;Password="REDACTED";Database=z',
    f"AccountEndpoint=https://c.documents.azure.com:443/;AccountKey={KEY};": "AccountEndpoint=https://c.documents.azure.com:443/;AccountKey=REDACTED;",
    f"HostName=h.azure-devices.net;DeviceId=d;SharedAccessKey = {KEY}": "HostName=h.azure-devices.net;DeviceId=d;SharedAccessKey = REDACTED",
    f"cache.redis.cache.windows.net:6380,password={KEY},ssl=True": "cache.redis.cache.windows.net:6380,password=REDACTED,ssl=True",
    f"host=db user=me password={S} dbname=shop": "host=db user=me password=REDACTED dbname=shop",
    f"could not connect to 'host=db;password={S}'": "could not connect to 'host=db;password=REDACTED'",
    # headers
    f"Authorization: Bearer {JWT}": "Authorization: REDACTED",
    f"sent Bearer {S}-abcdef.g to api": "sent Bearer REDACTED to api",
    "Basic bWU6aHVudGVyMlp4OQ== refused": "Basic REDACTED refused",
    f"token was {JWT}, too old": "token was REDACTED, too old",
    f"> X-Functions-Key: {S}\n> Accept: */*": "> X-Functions-Key: REDACTED\n> Accept: */*",
    f"Cookie: a={S}; b={S}": "Cookie: REDACTED",
    f"Set-Cookie: session={S}; Path=/": "Set-Cookie: REDACTED",
    f"{{'Authorization': 'Bearer {S}', 'Accept': '*/*'}}": "{'Authorization': 'REDACTED', 'Accept': '*/*'}",
    f"{{'x-api-key': b'{S}'}}": "{'x-api-key': b'REDACTED'}",
    f"Ocp-Apim-Subscription-Key: {S}": "Ocp-Apim-Subscription-Key: REDACTED",
    # bodies and messages
    f'{{"user":"me","password":"{S}","n":1}}': '{"user":"me","password":"REDACTED","n":1}',
    f'{{"clientSecret": "{S}\\"{S}", "n": 1}}': '{"clientSecret": "REDACTED", "n": 1}',
    f'"{{\\"apiKey\\":\\"{S}\\",\\"n\\":1}}"': '"{\\"apiKey\\":\\"REDACTED\\",\\"n\\":1}"',
    '{"pin_passcode": 1234567, "n": 1}': '{"pin_passcode": REDACTED, "n": 1}',
    f'{{"refresh_token": ["{S}"]}}': '{"refresh_token": ["REDACTED"]}',
    f"login failed (user: me, password: {S})": "login failed (user: me, password: REDACTED)",
    f"run --db-password={S} --verbose": "run --db-password=REDACTED --verbose",
    f"export AZURE_CLIENT_SECRET={S}": "export AZURE_CLIENT_SECRET=REDACTED",
    f"-----BEGIN RSA PRIVATE KEY-----\nMIIE{S}\n-----END RSA PRIVATE KEY-----": "-----BEGIN RSA PRIVATE KEY-----REDACTED-----END RSA PRIVATE KEY-----",
}  # fmt: skip
