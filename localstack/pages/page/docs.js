"use strict"

const dark = matchMedia("(prefers-color-scheme: dark)")
const theme = () => document.documentElement.classList.toggle("dark-mode", dark.matches)
dark.addEventListener("change", theme)
theme()

// The description names its server relative to itself, so that the same page works
// behind any stage.
SwaggerUIBundle({
	url: new URL("../openapi.json", document.baseURI).href,
	dom_id: "#docs",
	deepLinking: true,
	tryItOutEnabled: true,
	displayRequestDuration: true,
	docExpansion: "list",
	defaultModelsExpandDepth: 0,
	filter: true,
	validatorUrl: null,
	// The claim of the caller's token that names the tenant, on one machine.
	requestInterceptor: request => {
		const tenant = document.querySelector("#tenant")?.value
		if (tenant) request.headers["X-Daybook-Tenant"] = tenant
		return request
	},
	onComplete: () => { document.title = document.querySelector("#docs .title")?.firstChild?.textContent || document.title },
})
