// Uses a generated, typed client against a manager: node out/use.js URL PASSWORD. Every shape below is checked by the compiler against the document.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const [url, password] = process.argv.slice(2) as [string, string];
const api = createClient<paths>({ baseUrl: url });

const login = await api.POST("/api/v1/auth/login", { body: { email: "admin", password } });
assert.ok(login.data, "signed in");
api.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${login.data.accessToken}`);
    return request;
  },
});

const service: components["schemas"]["ServiceBody"] = { name: "orders", addresses: ["orders.test"], ports: "443", auth: { type: "token" } };
const made = await api.POST("/api/v1/services", { body: service });
assert.equal(made.response.status, 201);
assert.ok(made.data?.objects?.[0]?.token, "the generated token is shown once");

const billing = await api.PUT("/api/v1/services/{name}", { params: { path: { name: "billing" } }, body: { name: "billing" } });
assert.ok(billing.data);
const mapping = await api.PUT("/api/v1/mappings/{name}", {
  params: { path: { name: "m" }, query: { dryRun: false } },
  body: { name: "m", sources: ["billing"], destinations: ["orders"], protocols: ["https"], ports: "443", priority: 10 },
});
assert.ok(mapping.data);

const list = await api.GET("/api/v1/services", { params: { query: { limit: 1, sort: "-name" } } });
assert.equal(list.data?.items?.[0]?.name, "orders");
assert.equal(list.data?.total, 2);
assert.ok(list.data?.next);

const verdict = await api.POST("/api/v1/explain", { body: { source: "billing", destination: "orders.test", port: 443, protocol: "https" } });
assert.equal(verdict.data?.effect, "allow");

const missing = await api.GET("/api/v1/services/{name}", { params: { path: { name: "none" } } });
assert.equal(missing.error?.status, 404);
assert.ok(missing.error?.detail);

const wrong = await api.POST("/api/v1/mappings", { body: { name: "w", sources: ["biling"], destinations: ["orders"] } });
assert.equal(wrong.error?.status, 422);
assert.match(wrong.error?.faults?.[0]?.message ?? "", /no service/);

const inUse = await api.DELETE("/api/v1/services/{name}", { params: { path: { name: "orders" } } });
assert.equal(inUse.response.status, 409);
const versions = await api.GET("/api/v1/versions");
assert.ok((versions.data?.items?.length ?? 0) >= 3);
const proxies = await api.GET("/api/v1/proxies");
assert.deepEqual(proxies.data, []);
console.log("the generated client works");
