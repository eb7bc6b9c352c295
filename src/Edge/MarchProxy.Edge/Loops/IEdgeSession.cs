using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Loops;

/// <summary>Something that a client's connection is busy with; a loop keeps its sessions in a list so that it can drain them.</summary>
internal interface IEdgeSession : ISessionNode<IEdgeSession>
{
    /// <summary>Tells the client to turn elsewhere with what comes next, where its protocol can; what is on its way is taken yet.</summary>
    void Announce()
    {
    }

    /// <summary>Ends as soon as nothing is lost by it.</summary>
    void Drain();

    /// <summary>Ends now.</summary>
    void Kill();
}
