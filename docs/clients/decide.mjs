// Sends a member's events and asks for a decision, through a client that reads the service's own document when it starts.
//
//     npm install swagger-client
//     PLAYBOOK_URL=http://127.0.0.1:8750 PLAYBOOK_KEY=pb_... node docs/clients/decide.mjs demo-club m-3

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import SwaggerClient from "swagger-client";

const TRIES_MAX = 5;
const { PLAYBOOK_URL: url, PLAYBOOK_KEY: key } = process.env;
const [brand, member] = process.argv.slice(2);

const client = await SwaggerClient(`${url}/v1/openapi.json`, {
  requestInterceptor: (request) => {
    request.headers.authorization = `Bearer ${key}`;
    return request;
  },
});

// Calls until there is an answer. Each try has the same idempotency key, so that it happens once.
async function said(call, parameters, requestBody) {
  const once = { brand, "idempotency-key": randomUUID(), ...parameters };
  for (let attempt = 0; ; attempt += 1) {
    try {
      return (await call(once, { requestBody })).body;
    } catch (error) {
      const { status, headers, body } = error.response ?? {};
      if (status === undefined) throw error;
      if ((status !== 429 && status !== 503) || attempt + 1 === TRIES_MAX) {
        throw new Error(`${body?.code ?? status}: ${body?.title ?? ""} ${body?.hint ?? ""}`);
      }
      // Too much at once, or not ready: the service says when to come again.
      await sleep(1000 * Number(headers["retry-after"] ?? 2 ** attempt));
    }
  }
}

const { decisions, events, members } = client.apis;
const consent = { purpose: "marketing", state: "granted", time: "2026-06-01T10:00:00Z" };
await said(members.put_member, { member }, { consents: [consent] });
for (let day = 1; day <= 5; day += 1) {
  const event = { event_id: `${member}-${day}`, member, kind: "comment", time: `2026-06-${20 + day}T09:00:00Z` };
  const { status } = await said(events.add_event, {}, event);
  console.log(`event ${event.event_id}: ${status}`);
}
const decision = await said(decisions.decide, {}, { member, at: "2026-07-01T00:00:00Z" });
for (const { segment, text } of decision.segments) console.log(`segment ${segment}: ${text}`);
for (const { quantity, action, text } of decision.granted) console.log(`gets ${quantity} ${action}: ${text}`);
for (const { action, refusal } of decision.refused) {
  console.log(`does not get ${action}: ${refusal.code}, ${refusal.text}`);
}
console.log(`decision ${decision.id} by version ${decision.version.slice(0, 12)}`);
