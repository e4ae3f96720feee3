// Holds named queries to the grammars of Trino and Spark. Usage: node queries.mjs FILE…
import { readFileSync } from 'node:fs';
import { SparkSQL, TrinoSQL } from 'dt-sql-parser';

let wrong = 0;
const files = process.argv.slice(2);
for (const file of files) {
    const sql = `${readFileSync(file, 'utf8').replace(/^\s*--.*\n/gm, '').trim()};`;
    for (const [name, parser] of [['Trino', new TrinoSQL()], ['Spark', new SparkSQL()]]) {
        for (const error of parser.validate(sql)) {
            console.error(`${file}:${error.startLine}:${error.startColumn}: ${name}: ${error.message}`);
            wrong += 1;
        }
    }
}
console.log(`${files.length} queries, ${wrong} errors in the grammars of Trino and Spark`);
process.exit(files.length === 0 || wrong ? 1 : 0);
