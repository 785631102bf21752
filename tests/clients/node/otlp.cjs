"use strict";
// The same spans, log records and metrics by OpenTelemetry's exporters, in the encoding ("http" is JSON, or "proto")
// that is given. Where to is set as for any program: OTEL_EXPORTER_OTLP_ENDPOINT.
const [, , encoding] = process.argv;
const exporter = (signal) => require(`@opentelemetry/exporter-${signal}-otlp-${encoding}`);

const { context, trace, SpanKind, SpanStatusCode } = require("@opentelemetry/api");
const { SeverityNumber } = require("@opentelemetry/api-logs");
const { defaultResource, resourceFromAttributes } = require("@opentelemetry/resources");
const { BatchLogRecordProcessor, LoggerProvider } = require("@opentelemetry/sdk-logs");
const { MeterProvider, PeriodicExportingMetricReader } = require("@opentelemetry/sdk-metrics");
const { BatchSpanProcessor, NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");

const resource = defaultResource().merge(resourceFromAttributes({ "service.name": "shop", "service.version": "7" }));
const tracers = new NodeTracerProvider({
  resource, spanProcessors: [new BatchSpanProcessor(new (exporter("trace").OTLPTraceExporter)())],
});
const logs = new (exporter("logs").OTLPLogExporter)();
const loggers = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter: logs })] });
const meters = new MeterProvider({
  resource,
  readers: [new PeriodicExportingMetricReader({ exporter: new (exporter("metrics").OTLPMetricExporter)() })],
});

async function main() {
  tracers.register();
  const tracer = tracers.getTracer("shop");
  const logger = loggers.getLogger("shop");
  tracer.startActiveSpan("GET /items", {
    kind: SpanKind.SERVER,
    attributes: {
      "http.request.method": "GET", "http.route": "/items", "http.response.status_code": 500, "url.scheme": "http",
      "server.address": "shop.example", "url.path": "/items", "url.query": "size=1",
    },
  }, (request) => {
    const call = tracer.startSpan("stock", { kind: SpanKind.CLIENT, attributes: {
      "db.system.name": "postgresql", "db.query.text": "select 1", "db.namespace": "stock", "server.address": "db",
    } });
    call.addEvent("asked", { rows: 3 });
    call.end();
    logger.emit({
      severityNumber: SeverityNumber.WARN, body: "sold out", attributes: { item: 7 }, context: context.active(),
    });
    logger.emit({ attributes: { "microsoft.custom_event.name": "bought", item: "9" }, context: context.active() });
    request.recordException(new RangeError("no such item"));
    request.setStatus({ code: SpanStatusCode.ERROR });
    request.end();
  });
  const meter = meters.getMeter("shop");
  meter.createCounter("sales").add(3, { tenant: "a" });
  meter.createHistogram("wait").record(1.5);
  meter.createObservableGauge("left").addCallback((gauge) => gauge.observe(5));
  for (const provider of [tracers, loggers, meters]) await provider.shutdown();
}

main();
