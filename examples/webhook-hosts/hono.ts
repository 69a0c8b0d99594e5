/** The webhook in a Hono application: both speak Request and Response. */
// #region webhook
import { Hono } from 'hono';
import type { WebhookHandler } from 'roomkit';

export function application(webhook: WebhookHandler): Hono {
  const app = new Hono();
  app.get('/', (context) => context.text('My own page'));
  app.all('/webhooks/sms', (context) => webhook(context.req.raw));
  return app;
}
// #endregion
