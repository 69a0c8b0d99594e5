/** The webhook in an Express application, before what reads bodies. */
// #region webhook
import express, { type Express } from 'express';
import type { WebhookHandler } from 'roomkit';
import { toNodeListener } from 'roomkit/server';

export function application(webhook: WebhookHandler): Express {
  const app = express();
  app.all('/webhooks/sms', toNodeListener(webhook)); // before body parsers: signatures are over the bytes as they came
  app.use(express.json(), express.urlencoded());
  app.get('/', (_request, response) => void response.send('My own page'));
  return app;
}
// #endregion
