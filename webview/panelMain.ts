/** Entry of the Gradient Flow panel's webview. */
import './styles/panel.css';
import { PROTOCOL_VERSION } from '../extension/protocol.ts';
import { Panel } from './panel/panel.ts';
import { connect } from './rpc.ts';
import { registerControls } from './ui/controls.ts';

registerControls();
let panel: Panel | undefined;
const rpc = connect(message => panel?.receive(message));
panel = new Panel(rpc, document.body);
void rpc.ask('ready', { protocol: PROTOCOL_VERSION, view: 'panel' });
