// A file that a window is started with is opened before any extension is known, as "binary file". This opens it afterwards.
const vscode = require('vscode');

exports.activate = async () => {
  const file = process.env.ADJOINT_OPEN;
  if (file) await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(file));
};
