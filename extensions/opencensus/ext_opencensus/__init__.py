"""OpenCensus tracing of Azure Functions on every worker: a drop-in for opencensus-extension-azure-functions."""
