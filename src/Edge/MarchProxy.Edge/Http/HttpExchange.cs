using System.Diagnostics;
using System.Runtime.CompilerServices;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Loops;
using MarchProxy.Edge.Upstream;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Http;

/// <summary>
/// One request and its response. Rented from the loop for the time between a request's first byte and its last response byte, so that idle
/// connections cost next to nothing; every array in it is reused.
/// </summary>
internal sealed partial class HttpExchange
{
    /// <summary>Bytes that a rewritten head may grow to: the largest head accepted, and room for what is added.</summary>
    private const int MaxOutput = 128 << 10;

    private readonly EdgeLoop _edge;
    private readonly RequestHead _request = new();
    private ResponseHead _response = new();
    private readonly OutBuffer _toUpstream = NewBuffer();
    private readonly OutBuffer _toClient = NewBuffer();
    private ClientStream _client = null!;
    private EdgeConfig _config = null!;
    private int _headLength;
    private bool _headConsumed, _grpc;

    public HttpExchange(EdgeLoop edge)
    {
        _edge = edge;
        _http1 = new Http1Upstream(edge);
    }

    /// <summary>What the access log will say.</summary>
    public AccessRecord Record { get; } = new();

    /// <summary>The next in the loop's list of free exchanges.</summary>
    public HttpExchange? NextFree { get; set; }

    /// <summary>The parsed request; its offsets lead into <see cref="HeadBytes"/>.</summary>
    public RequestHead Request => _request;

    /// <summary>The request's head as it was received; gone once the content is read, unless a filter was there before: then it stays to the end.</summary>
    public ReadOnlySpan<byte> HeadBytes => _headKept ? _keptHead!.Written : _headConsumed ? default : _client.Received[.._headLength];

    /// <summary>Binds the exchange to the client whose request comes.</summary>
    public void Begin(ClientStream client)
    {
        _client = client;
        _client.Bind(_toClient);
        _config = _edge.Config;
        _request.Reset();
        _toUpstream.Clear();
        _toClient.Clear();
        _targetCount = 0;
        _clientGone = false;
        _bodyState = BodyState.None;
        _bodyTaken = false;
        _headConsumed = false;
        Record.Begin(client.Connection.Listener.Name, client.Connection.Remote);
        if (client.MajorVersion == 2) Record.Kind = "http2";
        _grpc = false;
    }

    /// <summary>Lets go of everything.</summary>
    public void End()
    {
        EndFilters(whole: false);
        _http1.Forget();
        _http2?.Forget();
        LeaveCircuit();
        ForgetFeatures();
        _client = null!;
        _config = null!;
        Unchoose();
        _route = null;
        _backend = null;
        if (_triedCount > 0) Array.Clear(_tried!);
        _triedCount = 0;
        _upstream = null;
        _targetTls = null;
        _headKept = false;
        _keptHead?.Clear();
    }

    /// <summary>Serves the request.</summary>
    /// <returns>Whether the connection can carry another.</returns>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    public async ValueTask<bool> RunAsync()
    {
        long received = _client.BytesTaken, sent = _client.BytesSent;
        ParseStatus status = ParseHead();
        if (status == ParseStatus.NeedMore) status = await ReadHeadAsync();
        bool goOn = false;
        if (status == ParseStatus.Ok)
        {
            _request.MajorVersion = _client.MajorVersion;
            _grpc = _client.MajorVersion == 2 && _request.TryGet(KnownHeader.ContentType, out ByteRange type) && type.In(HeadBytes).StartsWith("application/grpc"u8);
            if (_edge.IsOverRequests) goOn = await RefuseAsync();
            else goOn = _client.Connection.Listener.Purpose is ListenerPurpose.ForwardProxy or ListenerPurpose.Transparent ? await ForwardAsync() : await IngressAsync();
        }
        else if (status == ParseStatus.Error)
        {
            goOn = await RespondAsync(LocalResponse.ForClient(_request.Error));
        }

        if (Record.Status != 0)
        {
            Record.BytesIn = _client.BytesTaken - received;
            Record.BytesOut = _client.BytesSent - sent;
            Record.Ended = Stopwatch.GetTimestamp();
            _edge.Finish(Record);
        }

        return goOn && !_client.IsClosed;
    }

    /// <summary>Too many requests are under way: this one, of a connection that may go on with others, is not begun.</summary>
    private ValueTask<bool> RefuseAsync()
    {
        _edge.Refusals.Note(Overload.Refusals.Requests);
        return RespondAsync(LocalAnswers.Overload);
    }

    private ParseStatus ParseHead() => HeadParser.ParseRequest(_client.Received, _request, _edge.Limits, out _headLength);

    /// <summary>Reads on until the head is whole. NeedMore means that the client left, or was answered.</summary>
    private async ValueTask<ParseStatus> ReadHeadAsync()
    {
        long deadline = _edge.Loop.NowMs + _edge.Settings.RequestHeadMs;
        while (true)
        {
            int n = await _client.ReadMoreAsync(deadline);
            if (n > 0)
            {
                ParseStatus status = ParseHead();
                if (status != ParseStatus.NeedMore) return status;
                continue;
            }

            if (n == -Errno.ENOBUFS) await RespondAsync(LocalResponse.ForClient(HttpError.HeadTooLarge));
            else if (n == -Errno.ETIMEDOUT) await RespondAsync(LocalAnswers.RequestTimeout);
            return ParseStatus.NeedMore;
        }
    }

    /// <summary>Answers by ourselves. The connection goes on only when nothing of the request is left to read.</summary>
    private async ValueTask<bool> RespondAsync(LocalResponse response)
    {
        bool bodyLeft = _bodyState is not BodyState.Done && _request.Body != BodyKind.None;
        bool close = response.Close || bodyLeft || !_request.KeepAlive || _client.IsLast || _clientGone;
        Record.Status = response.Status;
        if (response.Location is null) Record.Reason ??= response.Reason;
        if (_clientGone || _client.IsClosed) return false;
        _toClient.Clear();
        LocalResponse shaped = response with
        {
            Close = close,
            SayKeepAlive = !close && _request.MinorVersion == 0,
            OmitBody = _request.Method == RequestMethod.Head,
        };
        if (!(_grpc ? GrpcAnswers.TryWrite(_toClient, shaped, _edge.Date) : ErrorResponses.TryWrite(_toClient, shaped, _edge.Date))) return false;
        if (!close && !_headConsumed) ConsumeHead();
        return await _client.SendLocalAsync(close, _edge.Settings.BodyStallMs) >= 0 && !close;
    }

    /// <summary>The head was rewritten or answered: its bytes are used up.</summary>
    private void ConsumeHead()
    {
        if (_filterCount > 0) KeepHead();
        _client.ConsumeHead(_headLength);
        _headConsumed = true;
    }

    private static OutBuffer NewBuffer() => new(GC.AllocateUninitializedArray<byte>(4 << 10, pinned: true), MaxOutput);
}
