using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

/// <summary>All that a head says, as text, to compare two of them.</summary>
internal static class HeadDump
{
    public static string Of(RequestHead head) => string.Join('|',
        head.Method, head.MethodName, head.Target, head.Form, head.Scheme, head.Path, head.Authority, head.Host, head.ExpectContinue, head.Start, Common(head));

    public static string Of(ResponseHead head) => string.Join('|', head.Status, head.Reason, Common(head));

    private static string Common(MessageHead head) => string.Join('|',
        head.Error, head.FieldsEnd, head.Present, head.MinorVersion, head.Body, head.ContentLength, head.KeepAlive, head.UpgradeWanted,
        head.Upgrade, head.AcceptsTrailers, head.HasNominated,
        string.Join(';', head.Fields.ToArray().Select(f => $"{f.Name},{f.Value},{f.Id},{f.Nominated}")));
}
