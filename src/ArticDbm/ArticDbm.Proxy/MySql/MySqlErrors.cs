namespace ArticDbm.Proxy.MySql;

/// <summary>MySQL's numbers for the errors that we give ourselves.</summary>
internal static class MySqlErrors
{
    public const ushort TooManyConnections = 1040;
    public const ushort DatabaseDenied = 1044;
    public const ushort AccessDenied = 1045;
    public const ushort NoDatabaseSelected = 1046;
    public const ushort UnknownCommand = 1047;
    public const ushort UnknownDatabase = 1049;
    public const ushort Shutdown = 1053;
    public const ushort ParseError = 1064;
    public const ushort NoSuchThread = 1094;
    public const ushort NotOwner = 1095;
    public const ushort UnknownCharset = 1115;
    public const ushort TableDenied = 1142;
    public const ushort NotAllowed = 1148;
    public const ushort TooLarge = 1153;
    public const ushort OutOfOrder = 1156;
    public const ushort WrongArguments = 1210;
    public const ushort UserLimit = 1226;
    public const ushort NeedsPrivilege = 1227;
    public const ushort NotSupported = 1235;
    public const ushort UnknownStatement = 1243;
    public const ushort Interrupted = 1317;
    public const ushort TooManyStatements = 1461;
    public const ushort CannotConnect = 2003;
    public const ushort ServerLost = 2013;
}
