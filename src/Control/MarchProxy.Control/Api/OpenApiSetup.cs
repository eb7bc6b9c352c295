using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace MarchProxy.Control.Api;

/// <summary>The OpenAPI document and a page that shows it.</summary>
internal static class OpenApiSetup
{
    /// <summary>Reads /openapi/v1.json and lists it; needs nothing from elsewhere.</summary>
    public const string DocsPage = """
        <!doctype html><html lang="en"><meta charset="utf-8"><title>MarchProxy API</title>
        <style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;background:#15181e;color:#d8dce4}h1,h2{color:#d9b44a}
        details{border-bottom:1px solid #2b303b;padding:.4rem 0}summary{cursor:pointer}b{display:inline-block;width:4.5rem;color:#d9b44a}code{color:#9fc5e8}pre{background:#1d212a;padding:.8rem;overflow:auto}a{color:#9fc5e8}</style>
        <h1>MarchProxy API</h1><p>The whole document: <a href="/openapi/v1.json">/openapi/v1.json</a>. Sign in with <code>POST /api/v1/auth/login</code> and send <code>Authorization: Bearer ...</code>.</p><div id="all"></div>
        <script>
        fetch('/openapi/v1.json').then(r=>r.json()).then(d=>{const all=document.getElementById('all'),tags={};
        for(const [p,ops] of Object.entries(d.paths))for(const [m,o] of Object.entries(ops))(tags[(o.tags||['other'])[0]]??=[]).push([p,m,o]);
        for(const t of Object.keys(tags).sort()){const h=document.createElement('h2');h.textContent=t;all.append(h);
        for(const [p,m,o] of tags[t]){const e=document.createElement('details'),s=document.createElement('summary'),b=document.createElement('b'),c=document.createElement('code'),pre=document.createElement('pre');
        b.textContent=m.toUpperCase();c.textContent=p;s.append(b,c,' '+(o.summary||''));pre.textContent=JSON.stringify({parameters:o.parameters,requestBody:o.requestBody,responses:o.responses},null,2);e.append(s,pre);all.append(e)}}});
        </script></html>
        """;

    public static void Configure(OpenApiOptions options) => options.AddDocumentTransformer((document, _, _) =>
    {
        document.Info = new OpenApiInfo { Title = "MarchProxy", Version = "v1", Description = "The manager of the MarchProxy suite." };
        document.Servers?.Clear();
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme> { ["bearer"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT" } };
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("bearer", document)] = [] }];
        return Task.CompletedTask;
    });
}
