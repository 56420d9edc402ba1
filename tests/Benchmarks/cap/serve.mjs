// Serves the rows by CAP on a free loopback port, tells its address, and ends with its standard input.
import cds from '@sap/cds'
import express from 'express'

const app = express()
cds.app = app
cds.model = cds.compile.for.nodejs(await cds.load('metrics.cds'))
await cds.connect.to('db')
await cds.serve('all').from(cds.model).in(app)
const server = app.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/odata/`))
process.stdin.on('end', () => process.exit(0)).resume()
