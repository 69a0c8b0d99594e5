import { render } from 'preact';
import { openHost } from './store/host.js';
import { loadRooms } from './store/rooms.js';
import { App } from './view/app.js';

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
void loadRooms();
openHost();
