/** Entry of the model editor's webview. */
import './styles/main.css';
import { PROTOCOL_VERSION } from '../extension/protocol.ts';
import { Editor } from './editor/app.ts';
import { connect } from './rpc.ts';
import { registerControls } from './ui/controls.ts';

registerControls();
let editor: Editor | undefined;
const rpc = connect(message => editor?.receive(message));
editor = new Editor(rpc, document.body);
void rpc.ask('ready', { protocol: PROTOCOL_VERSION, view: 'drawing' }).then(
  ({ protocol }) => { if (protocol !== PROTOCOL_VERSION) editor?.setState({ kind: 'error', title: 'This view is older than the extension', message: 'Close the editor and open it again.', buttons: [{ label: 'Close', command: 'close' }] }); },
  (error: Error) => editor?.setState({ kind: 'error', title: 'The extension did not answer', message: error.message, buttons: [{ label: 'Show Log', command: 'showLog' }] }),
);
