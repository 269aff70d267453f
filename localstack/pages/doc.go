// Package pages is what the local stack shows a browser in front of the API: an
// entrance at /, and at /docs the API's description to read and to try.
//
// All files are embedded, and nothing is fetched from elsewhere: the viewer is Swagger
// UI, whose files and their sums are in swagger-ui/manifest.json. No function links
// this package; on AWS the API answers JSON alone.
package pages
