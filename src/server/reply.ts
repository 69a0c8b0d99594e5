/** An answer before it is a Response: what most routes answer with needs no stream, and Node writes it at once. */
import { problemOf, problemHeaders } from './problem.js';
import type { Answer } from './routes/route.js';

/** A whole answer; only a stream, a page or an MCP answer is a Response from the start. */
export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

export function jsonReply({ status, body, text }: Answer): Reply {
  if (body === undefined) return { status, headers: {}, body: null };
  return { status, headers: { 'content-type': 'application/json' }, body: text ?? JSON.stringify(body) };
}

export function problemReply(error: unknown, requestId: string): Reply {
  const problem = problemOf(error, requestId);
  return { status: problem.status, headers: problemHeaders(error, problem), body: JSON.stringify(problem) };
}

/** A new object each time, of one shape: copying a table into another is slower than all the rest of an answer. */
function securityHeaders(): Record<string, string> {
  return {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  };
}

/** With headers of its own and those that keep browsers safe; what a page has set for itself stays. */
export function withHeaders(answer: Reply | Response, own: Readonly<Record<string, string>>): Reply | Response {
  const safe = securityHeaders();
  if (!(answer instanceof Response)) {
    for (const name in answer.headers) safe[name] = answer.headers[name] ?? '';
    for (const name in own) safe[name] = own[name] ?? '';
    return { status: answer.status, headers: safe, body: answer.body };
  }
  for (const [name, value] of Object.entries(own)) {
    if (name === 'vary') answer.headers.append(name, value);
    else answer.headers.set(name, value);
  }
  for (const [name, value] of Object.entries(safe)) if (!answer.headers.has(name)) answer.headers.set(name, value);
  return answer;
}

/** The answer to HEAD: what GET would be answered with, and nothing behind the headers. */
export function withoutBody(answer: Reply | Response): Reply | Response {
  if (!(answer instanceof Response)) return { ...answer, body: null };
  if (answer.body === null) return answer;
  // Whoever writes the body stops; that it could not be told so is nobody's concern.
  answer.body.cancel().catch(() => undefined);
  return new Response(null, answer);
}

export function asResponse(answer: Reply | Response): Response {
  return answer instanceof Response ? answer : new Response(answer.body, { status: answer.status, headers: answer.headers });
}
