"""Application Insights items and their delivery, on the standard library and urllib3.

An example::

    from ext_appinsights import Channel, envelope

    channel = Channel("InstrumentationKey=...;IngestionEndpoint=...")
    channel.send([envelope.event(time_ns=time.time_ns(), name="order placed")])
    channel.flush(timeout=2.0)

`envelope` builds items of each type within the service's limits; a `Channel` delivers them from one background thread,
and never blocks or fails its caller.
"""

from ext_appinsights import envelope
from ext_appinsights.channel import Channel
from ext_appinsights.connection_string import ConnectionString, ConnectionStringError
from ext_appinsights.credentials import TokenCredential

__all__ = ["Channel", "ConnectionString", "ConnectionStringError", "TokenCredential", "envelope"]
