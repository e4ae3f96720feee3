// Holds the Athena SQL to grammars: the table to Hive's, the SELECT inside UNLOAD to Trino's (UNLOAD itself is Athena's).
// Usage: node check.mjs FILE…   a file of SQL as `collect --athena` prints it
import { readFileSync } from 'node:fs';
import { HiveSQL, TrinoSQL } from 'dt-sql-parser';

let wrong = 0;
function hold(name, parser, sql) {
    const errors = parser.validate(sql);
    for (const error of errors) console.error(`${name}:${error.startLine}:${error.startColumn}: ${error.message}`);
    wrong += errors.length;
    console.log(`${name}: ${errors.length} errors in ${sql.split('\n').length} lines`);
}
for (const file of process.argv.slice(2)) {
    const sql = readFileSync(file, 'utf8').replace(/^\s*--.*\n/gm, '');
    const unload = sql.match(/^UNLOAD \(\n([\s\S]*)\n\)\nTO '[^']+'\nWITH \(format = 'JSON', compression = 'gzip'\);$/m);
    if (!unload) throw new Error(`${file}: no UNLOAD (…) TO '…' WITH (…)`);
    hold(`${file} table`, new HiveSQL(), sql.slice(0, sql.indexOf(';') + 1));
    hold(`${file} select`, new TrinoSQL(), `${unload[1]};`);
}
process.exit(wrong ? 1 : 0);
