"use strict";
// A shop that answers one request, with all that npm's applicationinsights can track.
const [, , connectionString] = process.argv;
const insights = require("applicationinsights");

insights.setup(connectionString)
  .setAutoCollectPerformance(false, false)
  .setSendLiveMetrics(false)
  .setUseDiskRetryCaching(false);
insights.start();

const client = insights.defaultClient;
const http = require("node:http");

const stock = http.createServer((request, response) => response.end("none"));
const shop = http.createServer((request, response) => {
  http.get({ port: stock.address().port, host: "127.0.0.1", path: "/stock" }, (answer) => {
    answer.resume().on("end", () => {
      client.trackTrace({ message: "sold out", severity: "Warning", properties: { item: "7" } });
      client.trackException({ exception: new RangeError("no such item"), properties: { item: "8" } });
      client.trackEvent({ name: "bought", properties: { item: "9" }, measurements: { price: 1.5 } });
      client.trackDependency({
        name: "select item", dependencyTypeName: "SQL", target: "db", data: "select 1", duration: 12, resultCode: 0,
        success: true,
      });
      response.statusCode = 404;
      response.end("none");
    });
  });
});

async function main() {
  for (const server of [stock, shop]) await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  await fetch(`http://127.0.0.1:${shop.address().port}/items?size=1`, { headers: {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  } }).then((response) => response.text());
  client.trackRequest({
    name: "job", url: "http://shop/job", duration: 5, resultCode: 200, success: true, properties: { item: "10" },
  });
  client.trackMetric({ name: "basket", value: 3, properties: { tenant: "a" } });
  client.trackAvailability({ id: "1", name: "ping", duration: 5, success: true, runLocation: "here" });
  client.trackPageView({ id: "2", name: "front", duration: 5, url: "http://shop/" });
  await client.flush();
  await client.shutdown();
  for (const server of [stock, shop]) server.closeAllConnections();
  for (const server of [stock, shop]) server.close();
}

main();
