/** RoomKit in an Express application, beside routes of its own. */
// #region mount
import express, { type Express } from 'express';
import { toNodeListener, type ServerHandler } from 'roomkit/server';

export function application(handle: ServerHandler): Express {
  const app = express();
  app.use('/rooms-of-mine', toNodeListener(handle)); // before body parsers: the handler reads bodies itself
  app.use(express.json());
  app.get('/', (_request, response) => void response.send('My own page'));
  return app;
}
// #endregion
