using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.Health;

/// <summary>What is known of one server: up or down by the thresholds of its database, and what it last said of itself. Written by one loop, read by all.</summary>
internal sealed class ServerHealth(DbHealth settings, DbServerRole configured)
{
    private volatile ServerStanding? _standing;
    private volatile bool _isUp = true;
    private int _good, _bad;

    /// <summary>Whether it counts as up; so does one that nobody has asked yet.</summary>
    public bool IsUp => _isUp;

    /// <summary>What it last said; null before that.</summary>
    public ServerStanding? Standing => _standing;

    /// <summary>Whether it takes writes: as it says, and before it has said anything as the configuration does.</summary>
    public bool IsPrimary => _standing?.IsPrimary ?? configured == DbServerRole.Primary;

    /// <summary>Whether it may be read from as a replica: it is up, and not further behind than is allowed.</summary>
    public bool MayRead => _isUp && (_standing is not { IsPrimary: false } standing || settings.MaxReplicaLag == TimeSpan.Zero || standing.Lag <= settings.MaxReplicaLag);

    /// <summary>It has answered.</summary>
    /// <returns>Whether that changes anything for those who choose a server.</returns>
    public bool Answered(ServerStanding standing)
    {
        if (!standing.Serves) return Failed();
        (bool up, bool primary, bool reads) = (_isUp, IsPrimary, MayRead);
        _standing = standing;
        _bad = 0;
        if (!_isUp && ++_good >= settings.UpAfter) _isUp = true;
        return (up, primary, reads) != (_isUp, IsPrimary, MayRead);
    }

    /// <summary>It has not answered, or cannot serve.</summary>
    /// <returns>Whether that changes anything.</returns>
    public bool Failed()
    {
        _good = 0;
        if (!_isUp || ++_bad < settings.DownAfter) return false;
        _isUp = false;
        return true;
    }
}
